"""The plots over the steps: what their lines are is what was recorded."""

from __future__ import annotations

import numpy as np
import pytest

from runner.comparison.constants import LIMIT
from runner.records.outline import outline
from runner.records.plots.deviations import BAND_LABEL, deviations, rounding_level, told, worst_tensors
from runner.records.plots.drift import drift, fitted
from runner.records.plots.gradient_norms import gradient_norms
from runner.records.plots.loss import epoch_means, loss
from runner.records.plots.style import MARKS, NOT_FINITE, ZERO, log_ticks, plain, short
from runner.records.plots.trajectories import how_many, trajectories

from .conftest import Recorded
from .looking import (
    CLASSES,
    DEEP,
    DEFAULT,
    DIVERGED,
    NEGATIVE,
    NO_RECORDS,
    ONE_STEP,
    PARTED,
    SEVERAL,
    WRONG,
    labels,
    line,
    panels,
    seen,
    special,
    words,
)


def test_the_loss_of_every_backend_is_drawn_over_the_recorded_steps(recorded: Recorded) -> None:
    run = recorded(*SEVERAL).run
    (axes,) = panels(seen(loss(run, None)))
    for name, label in (("mine", "mine"), ("transposed_gradient",) * 2, ("torch", "torch (reference)")):
        np.testing.assert_array_equal(line(axes, label).get_xdata(), run.steps)
        np.testing.assert_array_equal(line(axes, label).get_ydata(), run.losses[name])
    assert axes.get_yscale() == "log"
    assert "step" in axes.get_xlabel()
    assert axes.get_ylabel() == "loss (log scale)"
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x0 >= axes.get_window_extent().x1, "the legend hides the lines"


def test_a_loss_below_0_has_no_log_axis(recorded: Recorded) -> None:
    run = recorded(*NEGATIVE).run
    (axes,) = panels(seen(loss(run, None)))
    assert axes.get_yscale() == "linear"
    assert axes.get_ylabel() == "loss"
    assert min(line(axes, "scratch").get_ydata()) < 0


def test_the_loss_of_whole_epochs_and_of_what_is_held_out_are_there_where_they_are_known(recorded: Recorded) -> None:
    drawn = recorded(*CLASSES)
    (axes,) = panels(seen(loss(drawn.run, drawn.setup)))
    losses = drawn.run.losses["torch"]
    np.testing.assert_array_equal(line(axes, "mean of an epoch, torch").get_xdata(), [2, 5])
    np.testing.assert_allclose(
        line(axes, "mean of an epoch, torch").get_ydata(), [losses[:3].mean(), losses[3:].mean()]
    )
    held_out = line(axes, "held out, at the end, torch")
    assert list(held_out.get_xdata()) == [5]
    assert list(held_out.get_ydata()) == [drawn.run.verdict["evaluation"]["held_out"]["torch"]["loss"]]


def test_no_epoch_has_a_mean_where_steps_are_missing() -> None:
    ends, means = epoch_means(np.arange(7.0), np.arange(7), 3)
    assert ends.tolist() == [2, 5]
    assert means.tolist() == [1.0, 4.0]
    assert not len(epoch_means(np.arange(7.0), np.arange(7) * 2, 3)[0])


def test_what_diverges_is_marked_and_not_drawn(recorded: Recorded) -> None:
    run = recorded(*DIVERGED).run
    (axes,) = panels(seen(loss(run, None)))
    assert special(axes) == {NOT_FINITE: [1.0, 1.0]}
    assert np.isnan(line(axes, "scratch").get_ydata()[-1])
    assert all(np.isfinite(axes.get_ylim()))
    by_name = dict(zip(run.tensors, panels(seen(deviations(run))), strict=True))
    assert special(by_name["loss"])[NOT_FINITE] == [1.0]
    assert by_name["loss"].get_title().endswith("not ok")


def test_one_step_is_a_mark(recorded: Recorded) -> None:
    run = recorded(*ONE_STEP).run
    (axes,) = panels(seen(loss(run, None)))
    assert line(axes, "scratch").get_markevery() == [0]
    low, high = axes.get_xlim()
    assert low < 0 < high
    assert trajectories(run) is None


def test_every_tensor_has_a_panel_with_its_deviations_and_the_roundings_beside_them(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    figure = seen(deviations(run))
    assert "Deviation of scratch from torch" in words(figure)
    shown = panels(figure)
    assert [axes.get_title().split("\n")[0] for axes in shown] == run.tensors
    for axes, tensor in zip(shown, run.tensors, strict=True):
        rows = run.deviations[run.deviations["tensor"] == tensor]
        wanted = rows["max_abs"].to_numpy()
        np.testing.assert_array_equal(line(axes, "scratch").get_ydata(), np.where(wanted == 0, np.nan, wanted))
        assert special(axes).get(ZERO, []) == rows["step"].to_numpy()[wanted == 0].tolist()
        (band,) = (one for one in axes.collections if one.get_label() == BAND_LABEL)
        corners = band.get_paths()[0].vertices
        steps, level = rounding_level(rows)
        at = corners[np.isin(corners[:, 0], steps[3])][:, 1]
        assert min(at) == level[3]
        assert max(at) == LIMIT * level[3]
        assert axes.get_yscale() == "log"


def test_a_wrong_tensor_lies_above_the_roundings_and_is_called_not_ok(recorded: Recorded) -> None:
    run = recorded(*WRONG).run
    by_name = dict(zip(run.tensors, panels(seen(deviations(run))), strict=True))
    for row in run.verdict["tensors"]:
        axes = by_name[row["tensor"]]
        _, level = rounding_level(run.deviations[run.deviations["tensor"] == row["tensor"]])
        values = np.nan_to_num(line(axes, "missing_slope").get_ydata())
        assert axes.get_title().endswith("not ok") != row["ok"]
        assert bool((values > LIMIT * level).any()) != row["ok"]


def test_of_many_tensors_the_worst_are_shown_and_the_title_says_so(recorded: Recorded) -> None:
    run = recorded(*DEEP).run
    figure = seen(deviations(run))
    kept = worst_tensors(run)
    assert len(run.tensors) == 30
    assert [axes.get_title().split("\n")[0] for axes in panels(figure)] == kept
    assert "the 12 worst of 30 tensors" in words(figure)
    worst = {row["tensor"]: max(row["roundings"], row["logic_roundings"]) for row in run.verdict["tensors"]}
    assert min(worst[name] for name in kept) >= max(worst[name] for name in run.tensors if name not in kept)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"roundings": 1.25, "ok": True}, "at most 1.2 roundings"),
        ({"roundings": 1e9, "ok": False}, "at most 1.0e+09 roundings, not ok"),
        ({"roundings": None, "ok": True}, "not judged"),
        ({"roundings": None, "ok": False}, "not ok"),
    ],
)
def test_what_a_panel_says_of_its_tensor(row: dict[str, object], words: str) -> None:
    assert told(row) == words


def test_the_norms_are_those_of_the_recorded_gradients_of_each_layer(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    (axes,) = panels(seen(gradient_norms(run)))
    assert labels(axes) == ["input_layer", "hidden_layer_1", "hidden_layer_2"]
    assert run.gradients is not None
    weight, bias = (run.gradients[f"torch/hidden_layer_1.{part}"].astype(np.float64) for part in ("weight", "bias"))
    norms = np.sqrt(np.square(weight).sum(axis=(1, 2)) + np.square(bias).sum(axis=1))
    np.testing.assert_allclose(line(axes, "hidden_layer_1").get_ydata(), norms, rtol=1e-12)


def test_of_many_layers_twelve_are_shown_from_the_first_to_the_last(recorded: Recorded) -> None:
    figure = seen(gradient_norms(recorded(*DEEP).run))
    (axes,) = panels(figure)
    assert len(labels(axes)) == 12
    assert (labels(axes)[0], labels(axes)[-1]) == ("input_layer", "hidden_layer_13")
    assert "12 of 14 layers" in words(figure)
    assert len({(one.get_color(), one.get_marker()) for one in axes.get_lines()}) == 12


def test_the_trajectories_are_those_that_were_recorded(recorded: Recorded) -> None:
    run = recorded(*DEFAULT).run
    shown = panels(seen(trajectories(run)))
    assert run.trajectories is not None
    for axes, name in zip(shown, run.tensors[2:], strict=True):
        drawn = np.array([one.get_ydata() for one in axes.get_lines()])
        np.testing.assert_array_equal(drawn.T, run.trajectories[name])
        assert axes.get_title().split("\n")[0] == name
    assert shown[2].get_title().endswith("8 of 10 x 10")
    assert shown[-1].get_title().endswith("1 element")
    assert labels(shown[0]) == [
        f"{i}, {j}" for i, j in zip(*np.unravel_index(run.trajectories["at/input_layer.weight"], (10, 2)), strict=True)
    ]
    assert labels(shown[1]) == [str(i) for i in run.trajectories["at/input_layer.bias"]]
    assert [text.get_text() for text in shown[0].get_legend().get_texts()] == labels(shown[0])


def test_a_panel_says_how_many_elements_are_shown() -> None:
    assert how_many(8, (4, 2)) == "all 8 elements"
    assert how_many(8, (3, 3)) == "8 of 3 x 3"
    assert how_many(1, (1,)) == "1 element"


def test_the_drift_and_the_growth_that_was_fitted_to_it(recorded: Recorded) -> None:
    run = recorded(*PARTED).run
    (axes,) = panels(seen(drift(run)))
    assert run.drift is not None
    rows = run.drift[run.drift["tensor"] == "all"]
    norms = rows["norm"].to_numpy()
    np.testing.assert_array_equal(line(axes, "scratch").get_xdata(), rows["step"])
    np.testing.assert_array_equal(line(axes, "scratch").get_ydata(), np.where(norms == 0, np.nan, norms))
    growth = run.verdict["drift"]["scratch"]["growth"]
    (better,) = (label for label in labels(axes) if label.endswith("(fits better)"))
    assert f"step^{growth['power']['exponent']:.2f}" in better or growth["better"] == "exponential"


def test_the_fitted_lines_go_through_distances_that_grow_by_such_a_law() -> None:
    k = np.arange(50)
    with np.errstate(divide="ignore"):
        at, line_ = fitted(k, 3e-9 * k.astype(float) ** 1.5)["power"]
    np.testing.assert_allclose(line_, 3e-9 * at**1.5)
    at, line_ = fitted(k, 3e-9 * np.exp(0.2 * k))["exponential"]
    np.testing.assert_allclose(line_, 3e-9 * np.exp(0.2 * at))


def test_what_was_not_recorded_is_not_drawn(recorded: Recorded) -> None:
    run = recorded(*NO_RECORDS).run
    assert [draw(run) for draw in (gradient_norms, trajectories, drift)] == [None] * 3


def test_a_long_line_keeps_its_least_and_largest_values_and_has_few_marks() -> None:
    values = np.random.default_rng(1).standard_normal(100_000)
    values[[17, 80_001]] = -99.0, np.nan
    at = outline(values)
    assert len(at) <= 2000
    assert {0, 17, 80_001, 99_999, int(np.nanargmax(values))} <= set(at.tolist())
    assert (np.diff(at) > 0).all()
    assert MARKS < 50


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-8.2, -4.9, ["1e-8", "1e-7", "1e-6", "1e-5"]),
        (-16.0, 17.0, ["1e-16", "1e-9", "0.01", "1e5", "1e12"]),
        (-8.6, -6.9, ["3e-9", "1e-8", "3e-8", "1e-7"]),
        (-1.3, -0.2, ["0.1", "0.2", "0.5"]),
        (-0.05, -0.01, ["0.9", "0.925", "0.95", "0.975"]),
    ],
)
def test_a_log_axis_has_a_few_figures_to_read(low: float, high: float, ticks: list[str]) -> None:
    assert [short(tick) for tick in log_ticks(low, high)] == ticks


def test_a_users_text_stays_as_it_is_but_for_its_length_and_what_no_letter_is() -> None:
    assert plain("a$b$c") == r"a\$b\$c"
    assert plain("x\n\x00y") == "x??y"
    assert plain("a" * 100 + "z") == f"{'a' * 30}...{'a' * 29}z"
