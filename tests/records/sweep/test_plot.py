"""What the plot of a sweep shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.arrays import Array
from runner.records.sweep.plot import draw_sweep, sweep_figure
from runner.records.sweep.plot.marks import MARKS
from tests.records.sweep.made import Grid, jobs_of


def points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def marked(figure: Figure, outcome: str, panel: int = 0) -> list[tuple[float, float]]:
    """Where the marks of an outcome are, in the order in which they were drawn."""
    lines = [line for line in figure.axes[panel].lines if line.get_gid() == outcome]
    assert {line.get_marker() for line in lines} <= {MARKS[outcome][0]}
    assert {line.get_color() for line in lines} <= {MARKS[outcome][1]}
    return [point for line in lines for point in points(line)]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_every_outcome_has_a_shape_and_a_colour_of_its_own() -> None:
    assert len({shape for shape, _ in MARKS.values()}) == len({color for _, color in MARKS.values()}) == len(MARKS)


def test_one_key_is_a_line_with_the_spread_over_the_seeds() -> None:
    jobs = jobs_of({"lr": [0.1, 0.01, 1.0], "seed": [1, 2, 3]}, lambda n: "mismatch" if n == 4 else "agree")
    figure = sweep_figure(jobs, ["lr", "seed"], "name")
    loss, roundings = figure.axes
    assert (loss.get_ylabel(), roundings.get_ylabel(), roundings.get_xlabel()) == (
        *("last loss of torch", "worst roundings", "lr"),
    )
    assert points(roundings.lines[0]) == [(0.01, 5.0), (0.1, 2.0), (1.0, 8.0)]
    bands = [c for c in roundings.collections if isinstance(c, PolyCollection)]
    corners = [np.asarray(band.get_paths()[0].vertices) for band in bands]
    edges = [set(corner[corner[:, 0] == 0.01, 1].round(6).tolist()) for corner in corners]
    assert edges == [{4.1, 5.9}, {4.5, 5.5}]
    assert marked(figure, "mismatch", 1) == [(0.01, 5.0)]
    assert len(marked(figure, "agree", 1)) == 8
    assert {"agree", "mismatch", "median", "limit of agreement, 30"} <= set(words(figure))


def test_numbers_without_a_place_on_an_axis_are_told_by_name() -> None:
    figure = sweep_figure(jobs_of({"lr": [0.1, float("inf"), 10**400, float("nan")]}), ["lr"], "name")
    assert [x for x, _ in points(figure.axes[1].lines[0])] == [0, 1, 2, 3]


def test_the_seed_alone_is_the_key() -> None:
    figure = sweep_figure(jobs_of({"seed": [3, 1, 2]}), ["seed"], "name")
    assert points(figure.axes[1].lines[0]) == [(1, 2), (2, 3), (3, 1)]
    assert not figure.axes[1].collections


def test_two_keys_are_a_matrix_of_the_last_loss_where_all_agree() -> None:
    jobs = jobs_of({"lr": [0.1, 0.01], "optimizer": ["sgd", "adam", "radam"], "seed": [1, 2]})
    figure = sweep_figure(jobs, ["lr", "optimizer", "seed"], "name")
    axes = figure.axes[0]
    assert "last loss of torch" in figure.get_suptitle()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0.01", "0.1"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["sgd", "adam", "radam"]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[75, 95, 115], [15, 35, 55]])
    assert {text.get_text() for text in axes.texts} == {"75", "95", "115", "15", "35", "55"}
    assert len(marked(figure, "agree")) == 6


def test_two_keys_are_a_matrix_of_the_roundings_where_not_all_agree() -> None:
    grid: Grid = {"lr": [0.1, 0.2], "dtype": ["float32", "float64"], "seed": [1, 2]}
    outcomes = ["agree", "agree", "agree", "mismatch", "unfinished", "unfinished", "imprecise", "agree"]
    jobs = jobs_of(grid, outcomes.__getitem__)
    figure = sweep_figure(jobs, list(grid), "name")
    assert "worst roundings" in figure.get_suptitle()
    cells: Array = np.ma.filled(np.ma.asarray(figure.axes[0].images[0].get_array()), np.nan)
    np.testing.assert_array_equal(cells, [[1.5, 3.5], [np.nan, 7.5]])
    rows = {outcome: [y for _, y in marked(figure, outcome)] for outcome in MARKS}
    assert {name: found for name, found in rows.items() if found} == {
        "agree": [0],
        "mismatch": [0],
        "unfinished": [1],
        "imprecise": [1],
    }


def test_three_keys_have_an_axis_each_and_a_line_a_job() -> None:
    grid: Grid = {"lr": [0.1, 0.2], "dtype": ["float32", "float64"], "batch_size": [1, 2]}
    jobs = jobs_of(grid, lambda n: "unfinished" if n == 0 else "diverged" if n == 7 else "agree")
    figure = sweep_figure(jobs, list(grid), "name")
    axes = figure.axes[0]
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["lr", "dtype", "batch_size", "worst roundings"]
    assert [len(points(line)) for line in axes.lines if len(points(line)) > 2] == [3, *[4] * 7]
    assert marked(figure, "diverged") == [(3, 1.0)]
    ((end, _),) = marked(figure, "unfinished")
    assert end == 2


@pytest.mark.parametrize("keys", [1, 2, 3])
def test_a_sweep_in_which_nothing_was_measured_is_drawn(keys: int, tmp_path: Path) -> None:
    grid: Grid = {name: [1, 2] for name in ("a", "b", "c")[:keys]}
    jobs = jobs_of(grid, lambda _: "unfinished")
    assert words(sweep_figure(jobs, list(grid), "name")) == ["unfinished"]
    draw_sweep(tmp_path / "plot.png", jobs, list(grid), "name")
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_names_are_drawn_letter_by_letter(tmp_path: Path) -> None:
    name = r"$\frac{1}{$"
    file = tmp_path / "plot.png"
    draw_sweep(file, jobs_of({name: [name, "b"]}), [name], f"{name}=1,2")
    assert file.read_bytes().startswith(b"\x89PNG")
