"""The plots of elements: the heat map and the histogram of roundings."""

from __future__ import annotations

import dataclasses
from math import erf, sqrt

import numpy as np
import pytest
from matplotlib.colors import to_hex

from runner.comparison.constants import LIMIT
from runner.records.elements import EDGES
from runner.records.plots.heat_map import CELLS, heat_map, looked_at, pooled, scale_of, worst_elements
from runner.records.plots.roundings import by_rounding, roundings
from runner.records.plots.style import ORANGE
from runner.records.reading import RecordedRun

from .conftest import Recorded
from .looking import DEEP, DEFAULT, NO_RECORDS, SEVERAL, WRONG, labels, line, panels, seen, words


def judged(run: RecordedRun, **verdict: object) -> RecordedRun:
    """The same run with another verdict."""
    return dataclasses.replace(run, verdict={**run.verdict, **verdict})


def test_the_heat_map_of_a_run_that_agrees_shows_every_weight_in_its_dtype(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    figure = seen(heat_map(run))
    shown = panels(figure)
    weights = [name for name in run.tensors if name.endswith("weight")]
    assert [axes.get_title().split("\n")[0] for axes in shown] == weights
    assert "scratch, float32" in words(figure)
    assert run.roundings is not None
    for axes, name in zip(shown, weights, strict=True):
        (image,) = axes.get_images()
        wanted = run.roundings[f"precision/scratch/{name}"]
        np.testing.assert_array_equal(np.asarray(image.get_array()), np.maximum(wanted, 0.1))
    shades = np.concatenate([np.ma.getdata(i.norm(i.get_array())).ravel() for a in shown for i in a.get_images()])
    assert shades.min() < 0.05
    assert shades.max() > 0.7


def test_all_panels_have_one_scale_and_the_limit_stands_on_it(recorded: Recorded) -> None:
    figure = seen(heat_map(recorded(*WRONG).run))
    scales = [image.norm for axes in panels(figure) for image in axes.get_images()]
    assert all(scale is scales[0] for scale in scales)
    assert scales[0].vmin is not None
    assert scales[0].vmax is not None
    assert scales[0].vmin < LIMIT < scales[0].vmax
    (bar,) = (axes for axes in figure.axes if axes.get_label() == "<colorbar>")
    marks = [(np.asarray(one.get_ydata()).tolist(), one.get_color()) for one in bar.get_lines()]
    assert marks == [([LIMIT, LIMIT], "white"), ([LIMIT, LIMIT], "black")]
    assert bar.get_ylabel() == "roundings (log scale)"


@pytest.mark.parametrize(
    ("numbers", "low", "high"),
    [
        ([0.8, 1.2], 0.8, 37.5),
        ([2.0], 1.0, 37.5),
        ([0.0, 29.0], 0.1, 37.5),
        ([0.0], 0.1, 37.5),
        ([0.2, 6e15], 0.2, 6e15),
        ([0.2, 1e51, np.inf], 0.2, 1e20),
        ([np.nan], 0.1, 37.5),
    ],
)
def test_the_scale_has_room_for_the_limit_and_ends_where_counting_ends(
    numbers: list[float], low: float, high: float
) -> None:
    scale, ticks = scale_of(np.array(numbers))
    assert (scale.vmin, scale.vmax) == pytest.approx((low, high))
    values = np.geomspace(low, high, 50)
    shades = np.ma.getdata(scale(values))
    assert (np.diff(shades) > 0).all()
    np.testing.assert_allclose(scale.inverse(shades), values)
    assert 1 < len(ticks) < 12
    assert low <= ticks[0] < ticks[-1] <= high * (1 + 1e-9)


def test_what_is_beyond_the_scale_is_told(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    assert run.roundings is not None
    other = dataclasses.replace(run)
    far = np.full((10, 2), 1e51)
    other.__dict__["roundings"] = {**run.roundings, "precision/scratch/input_layer.weight": far}
    figure = seen(heat_map(other))
    assert "yellow: 1e20 and beyond" in words(figure)
    assert "at most 1.0e+51" in words(figure)
    assert "beyond" not in words(seen(heat_map(run)))


def test_a_mismatch_is_shown_by_the_logic_of_the_backend_at_fault_and_with_the_vectors_that_are_wrong(
    recorded: Recorded,
) -> None:
    run = recorded(*SEVERAL).run
    assert (looked_at(run), run.question) == ("transposed_gradient", "logic")
    assert run.roundings is not None
    np.testing.assert_array_equal(
        worst_elements(run)["hidden_layer_1.weight"], run.roundings["logic/transposed_gradient/hidden_layer_1.weight"]
    )
    wrong = recorded(*WRONG).run
    assert [n for n in worst_elements(wrong) if n.endswith("bias")] == ["input_layer.bias", "hidden_layer_1.bias"]
    assert not [name for name in worst_elements(recorded(*DEFAULT).run) if name.endswith("bias")]


@pytest.mark.parametrize(
    ("verdict", "logic", "precision", "question"),
    [
        ("agree", 5.0, 1.0, "precision"),
        ("imprecise", 5.0, 90.0, "precision"),
        ("imprecise", 95.0, 90.0, "logic"),
        ("undecided", 95.0, None, "logic"),
        ("diverged", 5.0, 1.0, "precision"),
    ],
)
def test_what_is_shown_is_where_the_verdict_failed(
    recorded: Recorded, verdict: str, logic: float, precision: float | None, question: str
) -> None:
    run = judged(recorded(*DEFAULT).run, verdict=verdict, logic_roundings=logic, precision_roundings=precision)
    assert (looked_at(run), run.question) == ("scratch", question)


def test_of_many_weights_the_nine_worst_are_shown(recorded: Recorded) -> None:
    run = recorded(*DEEP).run
    figure = seen(heat_map(run))
    assert len(panels(figure)) == 9
    assert "the 9 worst tensors" in words(figure)
    assert run.roundings is not None
    largest = {n: run.roundings[f"precision/scratch/{n}"].max() for n in run.tensors if n.endswith("weight")}
    kept = worst_elements(run)
    assert min(largest[name] for name in kept) >= max(value for name, value in largest.items() if name not in kept)


def test_what_is_not_finite_and_kernels_are_shown_too(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    assert run.roundings is not None
    kernel = np.full((3, 2, 2, 2), 5.0)
    kernel[1, 0, 1, 0], kernel[2, 1, 1, 1] = np.inf, np.nan
    changed = {**run.roundings, "precision/scratch/input_layer.weight": kernel}
    other = dataclasses.replace(run)
    other.__dict__["roundings"] = changed
    figure = seen(heat_map(other))
    axes = panels(figure)[0]
    (image,) = axes.get_images()
    shown = image.get_array()
    assert shown is not None
    assert shown.shape == (3, 8)
    assert np.argwhere(~np.isfinite(np.ma.filled(shown, np.nan))).tolist() == [[1, 2], [2, 7]]
    assert to_hex(image.get_cmap().get_bad()) == ORANGE
    assert "orange: not finite" in words(figure)
    assert "3 x 2 x 2 x 2" in axes.get_title()


def test_no_element_of_a_large_matrix_is_lost() -> None:
    matrix = np.ones((1000, 333))
    matrix[617, 210] = 1e9
    small = pooled(matrix)
    assert small.shape[0] <= CELLS
    assert small.shape[1] <= CELLS
    assert small.max() == 1e9
    assert (small == 1e9).sum() == 1
    np.testing.assert_array_equal(pooled(matrix[:5, :7]), matrix[:5, :7])


def test_the_histogram_has_every_element_of_every_judged_step(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    figure = seen(roundings(run))
    assert run.roundings is not None
    for axes, question in zip(panels(figure), ("logic", "precision"), strict=True):
        counts = run.roundings[f"counts/{question}/scratch"]
        (bars,) = axes.patches
        np.testing.assert_array_equal(bars.get_data().values, counts[:-1])
        np.testing.assert_array_equal(bars.get_data().edges[1:], EDGES[1:])
        assert counts.sum() == 20 * sum(np.prod(p.shape) for n, p in run.parameters.items() if n.startswith("last/"))
        assert line(axes, "the limit, 30").get_xdata() == [LIMIT, LIMIT]
        low, high = axes.get_xlim()
        assert low < EDGES[1]
        assert high > LIMIT
    assert [axes.get_title() for axes in panels(figure)] == ["the formula, in float64", "the arithmetic, in float32"]


def test_a_mistake_is_seen_to_the_right_of_the_limit_whole(recorded: Recorded) -> None:
    run = recorded(*WRONG).run
    axes = panels(seen(roundings(run)))[0]
    (bars,) = axes.patches
    values, edges, _ = bars.get_data()
    assert values[edges[:-1] > LIMIT].sum() > 0
    assert axes.get_xlim()[1] >= edges[np.flatnonzero(values)[-1] + 1]


def test_each_of_several_backends_has_its_marks(recorded: Recorded) -> None:
    run = recorded(*SEVERAL).run
    axes = panels(seen(roundings(run)))[0]
    assert {"mine", "transposed_gradient"} <= set(labels(axes))
    assert run.roundings is not None
    counts = run.roundings["counts/logic/mine"]
    np.testing.assert_array_equal(line(axes, "mine").get_ydata(), counts[counts > 0])
    assert not axes.texts, "words where the marks are"
    assert axes.get_xticklabels()[0].get_text() == "0 to\n0.001"


def test_what_rounding_alone_gives_is_the_half_normal_law() -> None:
    expected = by_rounding(1000)
    assert expected.sum() == pytest.approx(1000)
    i = int(np.searchsorted(EDGES, 1.0))
    wanted = 1000 * (erf(EDGES[i + 1] / sqrt(2)) - erf(EDGES[i] / sqrt(2)))
    assert expected[i] == pytest.approx(wanted)
    assert expected[np.searchsorted(EDGES, LIMIT) :].max() < 1e-100


def test_what_is_beyond_the_last_class_is_told(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    assert run.roundings is not None
    counts = run.roundings["counts/logic/scratch"].copy()
    counts[-1] = 3
    other = dataclasses.replace(run)
    other.__dict__["roundings"] = {**run.roundings, "counts/logic/scratch": counts}
    axes = panels(seen(roundings(other)))[0]
    assert axes.get_legend_handles_labels()[1][0] == "scratch (3 not finite or beyond 1e20)"


def test_without_roundings_there_is_no_plot_of_them(recorded: Recorded) -> None:
    run = recorded(*NO_RECORDS).run
    assert heat_map(run) is None
    assert roundings(run) is None
