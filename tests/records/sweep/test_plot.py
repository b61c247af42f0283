"""What the plot of a sweep shows."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from runner.arrays import Array
from runner.records.sweep.plot import draw_sweep, sweep_figure
from runner.records.sweep.plot.marks import MARKS
from runner.records.sweep.summary import OUTCOMES
from tests.records.sweep.made import Grid, jobs_of


def points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def marked(figure: Figure, outcome: str, panel: int = 0) -> list[tuple[float, float]]:
    """Where the marks of an outcome are, in the order in which they were drawn."""
    lines = [line for line in figure.axes[panel].lines if line.get_gid() == outcome]
    assert {line.get_marker() for line in lines} <= {MARKS[outcome][0]}
    assert {line.get_color() for line in lines} <= {MARKS[outcome][1]}
    return [point for line in lines for point in points(line)]


def rectangles(axes: Axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


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
    assert [x for x, _ in marked(figure, "agree", 1)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([0.0, 1e-4, 1e-3, 1e-2, 1e-1], [0, 1, 2, 3, 4]),
        ([1e300, 1e-300, 0, 1], [3, 1, 0, 2]),
        ([0, *(10.0**-k for k in range(20))], [0, *range(20, 0, -1)]),
        ([1e-3, 1e-2, 1e-1], [1e-3, 1e-2, 1e-1]),
        ([0, 1, 10, 20], [0, 1, 10, 20]),
        (list(range(1, 101)), list(range(1, 101))),
    ],
)
def test_numbers_that_an_axis_would_put_on_one_spot_are_placed_evenly(values: list[float], places: list[float]) -> None:
    figure = sweep_figure(jobs_of({"lr": values}), ["lr"], "name")
    axes = figure.axes[1]
    assert [x for x, _ in marked(figure, "agree", 1)] == places
    even = places != values
    assert axes.get_xlabel() == ("lr (not to scale)" if even else "lr")
    assert bool([line for line in axes.lines if line.get_linestyle() == "-" and len(points(line)) > 2]) is not even


@pytest.mark.parametrize(
    "values", [[0, 1e-4, 1e-3, 1e-2, 1e-1], [100000, 110000, 120000, 1000000], [1.5, 1.51, 1.52, 2.5, 0.123456]]
)
@pytest.mark.parametrize("keys", [1, 3])
def test_no_label_of_a_value_overlaps_another(values: list[float], keys: int) -> None:
    grid: Grid = {"lr": values, **{name: [1, 2] for name in ("b", "c")[: keys - 1]}}
    figure = sweep_figure(jobs_of(grid), list(grid), "name")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    axes = figure.axes[-1 if keys == 1 else 0]
    labels = axes.get_xticklabels() if keys == 1 else [t for t in axes.texts if getattr(t, "xy", (1,))[0] == 0]
    shown = [label for label in labels if label.get_text()]
    boxes = [label.get_window_extent() for label in shown]
    assert len(shown) > 1
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_the_line_and_its_bands_break_where_there_is_no_figure() -> None:
    grid: Grid = {"lr": [1, 2, 3, 4, 5], "seed": [1, 2]}
    figure = sweep_figure(jobs_of(grid, lambda n: "unfinished" if n in (4, 5) else "agree"), list(grid), "name")
    axes = figure.axes[1]
    np.testing.assert_array_equal([y for _, y in points(axes.lines[0])], [1.5, 3.5, np.nan, 7.5, 9.5])
    for band in [c for c in axes.collections if isinstance(c, PolyCollection)]:
        edges = [set(np.asarray(path.vertices)[:, 0].tolist()) for path in band.get_paths()]
        assert edges == [{1, 2}, {4, 5}]


def test_nothing_joins_categories_each_has_its_own_spread_over_the_seeds() -> None:
    grid: Grid = {"optimizer": ["sgd", "adam", "radam"], "seed": [1, 2, 3]}
    figure = sweep_figure(jobs_of(grid, lambda n: "unfinished" if 3 <= n < 6 else "agree"), list(grid), "name")
    axes = figure.axes[1]
    medians = [points(line) for line in axes.lines if line.get_gid() == "median"]
    assert [{(round(x), y) for x, y in ends} for ends in medians] == [{(0, 2.0)}, {(2, 8.0)}]
    assert not axes.collections
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_y(), bar.get_height()) for bar in rectangles(axes)]
    np.testing.assert_allclose(bars, [(0, 1.1, 1.8), (0, 1.5, 1), (2, 7.1, 1.8), (2, 7.5, 1)])
    alone = sweep_figure(jobs_of({"optimizer": ["sgd", "adam", "radam"]}), ["optimizer"], "name").axes[1]
    assert not [line for line in alone.lines if line.get_linestyle() == "-"]


@pytest.mark.parametrize("keys", [1, 3])
def test_no_mark_is_hidden_by_that_of_a_lesser_outcome(keys: int) -> None:
    grid: Grid = {"lr": list(range(7)), **{name: [1, 2] for name in ("b", "c")[: keys - 1]}}
    figure = sweep_figure(jobs_of(grid, lambda n: list(MARKS)[n % 7], lambda _: 1.0), list(grid), "name")
    order: dict[str, set[float]] = {}
    for line in figure.axes[0].lines:
        outcome = str(line.get_gid()).removeprefix("no ")
        if outcome in MARKS:
            order.setdefault(outcome, set()).add(line.get_zorder())
    assert set(order) == set(MARKS)
    heights = [order[outcome] for outcome in OUTCOMES]
    assert all(max(lesser) < min(graver) for lesser, graver in pairwise(heights))


def test_letters_that_the_font_lacks_are_drawn_without_a_word(tmp_path: Path) -> None:
    jobs = jobs_of({"tracking.experiment": ["日本", "b"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_sweep(tmp_path / "plot.png", jobs, ["tracking.experiment"], "tracking.experiment=日本,b")


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
    notes = [text for text in axes.texts if isinstance(text, Annotation)]
    beside = {float(text.get_text()): text.xy[1] for text in notes if text.xy[0] == 3}
    assert len(beside) > 3
    assert beside == pytest.approx({value: (value - 2) / 6 for value in beside})  # from 2 to 8 roundings
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
