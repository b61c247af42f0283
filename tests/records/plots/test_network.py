"""The plots that compute the network with its last parameters: the function, and the classes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.contour import ContourSet

from runner.arrays import Array
from runner.assemble import Setup
from runner.losses.cross_entropy import CrossEntropy
from runner.records.learnt.classes import counted
from runner.records.learnt.function import target_of
from runner.records.learnt.predictions import predictions
from runner.records.plots.confusion import confusion
from runner.records.plots.function import function
from runner.records.reading import RecordedRun

from .conftest import Recorded
from .looking import CLASSES, DEFAULT, GIVEN, NEGATIVE, REGIONS, line, panels, seen, words

ENDS = "architecture.layers=[{layer: linear, out: 3}, {layer: tanh}, {layer: linear, out: 1}, {layer: sigmoid}]"
ONE_INPUT = ("data.features=1", "target=sine", "data.samples=10")
PROBABLE = ("data=two_moons", "target=given", "loss=bce", "data.samples=20", "data.held_out=0.5", "batch_size=10", ENDS)
MANY_INPUTS = ("data.features=3", "data.samples=2")
MANY_CLASSES = (
    *("data=two_moons", "target=given", "loss=cross_entropy", "architecture.out=21"),
    *("data.samples=10", "batch_size=10"),
)
DRAWN_TARGET = ("target=teacher", "target.out=1", "data.samples=5")


def by_torch(run: RecordedRun, x: Array) -> Array:
    """The outputs of the default network, its last parameters put into torch's layers."""
    names = ("input_layer", "hidden_layer_1", "hidden_layer_2")
    sizes = [run.parameters[f"last/{name}.weight"].shape for name in names]
    layers = [torch.nn.Linear(into, out) for out, into in sizes]
    model = torch.nn.Sequential(layers[0], torch.nn.Sigmoid(), layers[1], torch.nn.Sigmoid(), layers[2])
    for layer, name in zip(layers, names, strict=True):
        for part in ("weight", "bias"):
            getattr(layer, part).data = torch.tensor(run.parameters[f"last/{name}.{part}"], dtype=torch.float32)
    with torch.no_grad():
        return np.asarray(model(torch.tensor(x, dtype=torch.float32)).numpy())


def test_predictions_are_those_of_torch_with_the_last_parameters(recorded: Recorded) -> None:
    drawn = recorded(*DEFAULT)
    x = np.random.default_rng(2).uniform(-1, 2, (1203, 2))
    np.testing.assert_allclose(predictions(drawn.run, drawn.setup, x), by_torch(drawn.run, x), rtol=1e-4, atol=1e-6)


def test_of_two_inputs_the_target_the_learnt_function_and_their_difference(recorded: Recorded) -> None:
    drawn = recorded(*DEFAULT)
    figure = seen(function(drawn.run, drawn.setup))
    shown = panels(figure)
    assert [axes.get_title() for axes in shown] == ["target", "learnt", "learnt - target"]
    target, learnt, apart = (np.asarray(axes.get_images()[0].get_array()) for axes in shown)
    assert all(axes.get_images()[0].origin == "lower" for axes in shown)
    left, right, bottom, top = shown[0].get_images()[0].get_extent()
    assert (left, bottom) == tuple(drawn.setup.x.min(axis=0))
    assert (right, top) == tuple(drawn.setup.x.max(axis=0))
    assert target[0, -1] == pytest.approx((right**2 + bottom**2) / 2)  # the first row is the lowest x_2
    corner = by_torch(drawn.run, np.array([[right, bottom]]))
    assert learnt[0, -1] == pytest.approx(corner[0, 0], rel=1e-4)
    np.testing.assert_allclose(apart, learnt - target)
    assert shown[0].get_images()[0].norm is shown[1].get_images()[0].norm
    assert shown[2].get_images()[0].norm.vmin == -shown[2].get_images()[0].norm.vmax
    np.testing.assert_array_equal(shown[1].get_lines()[0].get_xydata(), drawn.setup.x)
    assert shown[0].get_xlabel() == "input x_1"


def test_of_one_input_lines(recorded: Recorded) -> None:
    drawn = recorded(*ONE_INPUT)
    upper, lower = panels(seen(function(drawn.run, drawn.setup)))
    samples, target, learnt = upper.get_lines()
    np.testing.assert_array_equal(samples.get_xdata(), drawn.setup.x[:, 0])
    np.testing.assert_array_equal(samples.get_ydata(), drawn.setup.y[:, 0])
    x = np.asarray(target.get_xdata())
    np.testing.assert_allclose(target.get_ydata(), np.sin(2 * np.pi * x))
    np.testing.assert_allclose(learnt.get_ydata(), by_torch(drawn.run, x[:, None])[:, 0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(lower.get_lines()[-1].get_ydata(), learnt.get_ydata() - target.get_ydata())


def test_without_a_formula_the_samples_are_shown_alone(recorded: Recorded) -> None:
    drawn = recorded(*GIVEN)
    figure = seen(function(drawn.run, drawn.setup))
    target, learnt, apart = panels(figure)
    assert not target.get_images()
    np.testing.assert_array_equal(np.asarray(target.collections[0].get_array()), drawn.setup.y[:, 0])
    (image,) = learnt.get_images()
    corner = by_torch(drawn.run, drawn.setup.x.min(axis=0, keepdims=True))[0, 0]
    assert np.asarray(image.get_array())[0, 0] == pytest.approx(1 / (1 + np.exp(-corner)), rel=1e-4)
    found = 1 / (1 + np.exp(-predictions(drawn.run, drawn.setup, drawn.setup.x)[:, 0]))
    for marker, sign in zip(apart.collections, (1, -1, 0), strict=True):
        difference = (found - drawn.setup.y[:, 0])[np.sign(found - drawn.setup.y[:, 0]) == sign]
        np.testing.assert_allclose(np.asarray(marker.get_array()), difference, rtol=1e-6)
    assert [axes.get_title() for axes in (target, learnt, apart)] == [
        *("class\nat the samples", "sigmoid(output)", "sigmoid(output) - class\nat the samples"),
    ]
    assert words(figure).count("probability of class 1") == 2


def test_outputs_that_are_probabilities_stay_as_they_are(recorded: Recorded) -> None:
    drawn = recorded(*PROBABLE)
    _, learnt, _ = panels(seen(function(drawn.run, drawn.setup)))
    (image,) = learnt.get_images()
    found = predictions(drawn.run, drawn.setup, drawn.setup.x.min(axis=0, keepdims=True).astype(np.float64))
    assert np.asarray(image.get_array())[0, 0] == pytest.approx(found[0, 0], rel=1e-6)
    assert learnt.get_title() == "output"


def test_which_side_of_0_a_difference_is_on_is_seen_without_colours(recorded: Recorded) -> None:
    drawn = recorded(*DEFAULT)
    apart = panels(seen(function(drawn.run, drawn.setup)))[2]
    (lines,) = (one for one in apart.collections if isinstance(one, ContourSet))
    styles: list[Any] = list(lines.get_linestyle())
    dashed = [style[1] is not None for style in styles]
    assert dashed == [level < 0 for level in lines.levels]
    assert {True, False} == set(dashed)
    assert [text.get_text() for text in lines.labelTexts] == ["0"]


def test_of_two_inputs_and_classes_the_regions_and_the_samples(recorded: Recorded) -> None:
    drawn = recorded(*REGIONS)
    true, named = panels(seen(function(drawn.run, drawn.setup)))
    x, y = drawn.setup.x, drawn.setup.y
    for panel in (true, named):
        for i in range(3):
            np.testing.assert_array_equal(line(panel, f"class {i}").get_xydata(), x[y == i])
        assert len({line(panel, f"class {i}").get_marker() for i in range(3)}) == 3
    (image,) = named.get_images()
    left, right, bottom, top = image.get_extent()
    corners = by_torch(drawn.run, np.array([[left, bottom], [right, bottom], [left, top], [right, top]])).argmax(axis=1)
    assert np.asarray(image.get_array())[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == corners.tolist()
    found = np.unique(np.asarray(image.get_array()))
    assert len(found) > 1
    assert [text.get_text() for text in named.texts] == [str(i) for i in found]
    assert [c.get_edgecolor()[0].tolist() for c in named.collections][1::2] == [[0, 0, 0, 1]] * (found[-1] - found[0])


def test_a_target_that_was_drawn_is_the_very_one_of_the_run(recorded: Recorded) -> None:
    drawn = recorded(*DRAWN_TARGET)
    formula = target_of(drawn.run, 2)
    assert formula is not None
    np.testing.assert_allclose(formula(drawn.setup.x.astype(np.float64)), drawn.setup.y, rtol=1e-5)


def test_inputs_that_were_standardised_are_called_so(recorded: Recorded) -> None:
    drawn = recorded(*DEFAULT)
    config = {**drawn.run.config, "data": {**drawn.run.config["data"], "standardise": True}}
    figure = function(dataclasses.replace(drawn.run, config=config), drawn.setup)
    assert panels(seen(figure))[0].get_xlabel() == "input x_1 (standardised)"


def test_there_is_no_function_of_many_inputs_without_setup_or_after_a_divergence(recorded: Recorded) -> None:
    for overrides in (MANY_INPUTS, NEGATIVE):
        drawn = recorded(*overrides)
        assert function(drawn.run, drawn.setup) is None
    drawn = recorded(*DEFAULT)
    assert function(drawn.run, None) is None
    lost = dataclasses.replace(drawn.run)
    lost.__dict__["parameters"] = {**drawn.run.parameters, "last/input_layer.bias": np.full(10, np.nan)}
    assert function(lost, drawn.setup) is None


def test_the_classes_of_what_is_held_out_are_counted(recorded: Recorded) -> None:
    drawn = recorded(*CLASSES)
    figure = seen(confusion(drawn.run, drawn.setup))
    (axes,) = panels(figure)
    assert drawn.setup.held_out is not None
    x, y = drawn.setup.held_out.x, drawn.setup.held_out.y
    found = by_torch(drawn.run, x).argmax(axis=1)
    counts = [[int(((y == i) & (found == j)).sum()) for j in range(2)] for i in range(2)]
    assert [text.get_text() for text in axes.texts] == [str(count) for row in counts for count in row]
    np.testing.assert_allclose(
        np.asarray(axes.get_images()[0].get_array()), np.array(counts) / np.sum(counts, axis=1, keepdims=True)
    )
    accuracy = drawn.run.verdict["evaluation"]["held_out"]["torch"]["accuracy"]
    assert f"what is held out, with the last parameters: {100 * accuracy:.2f} % right" in words(figure).replace(
        "\n", " "
    )
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_where_nothing_is_held_out_it_is_the_training_data(recorded: Recorded) -> None:
    drawn = recorded(*NEGATIVE)
    assert "classes of the training data" in words(seen(confusion(drawn.run, drawn.setup)))


@pytest.mark.parametrize(("overrides", "boundary"), [(GIVEN, 0.0), (PROBABLE, 0.5)])
def test_two_classes_of_one_output_are_counted_too(
    recorded: Recorded, overrides: tuple[str, ...], boundary: float
) -> None:
    drawn = recorded(*overrides)
    (axes,) = panels(seen(confusion(drawn.run, drawn.setup)))
    part = drawn.setup if drawn.setup.held_out is None else drawn.setup.held_out
    found = predictions(drawn.run, drawn.setup, part.x)[:, 0] > boundary
    counts = [int(((part.y[:, 0] == i) & (found == j)).sum()) for i in range(2) for j in range(2)]
    assert [text.get_text() for text in axes.texts] == [str(count) for count in counts]


def test_probabilities_as_targets_are_no_classes(recorded: Recorded) -> None:
    drawn = recorded(*GIVEN)
    y = drawn.setup.y.copy()
    y[3] = 0.75
    assert confusion(drawn.run, dataclasses.replace(drawn.setup, y=y)) is None


def test_many_classes_have_no_figures(recorded: Recorded) -> None:
    drawn = recorded(*MANY_CLASSES)
    (axes,) = panels(seen(confusion(drawn.run, drawn.setup)))
    assert np.shape(axes.get_images()[0].get_array()) == (21, 21)
    assert not axes.texts


def test_rows_are_true_columns_predicted_and_what_is_ignored_does_not_count() -> None:
    prediction = np.eye(3)[[0, 2, 2, 1]].reshape(2, 2, 3)
    loss = CrossEntropy(reduction="mean", weight=None, ignore_index=-100, label_smoothing=0.0)
    counts = counted(loss, prediction, np.array([[0, 1], [2, -100]]))
    assert counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]


def test_there_is_no_matrix_without_classes_or_without_setup(recorded: Recorded) -> None:
    drawn: tuple[RecordedRun, Setup] = (recorded(*DEFAULT).run, recorded(*DEFAULT).setup)
    assert confusion(*drawn) is None
    assert confusion(recorded(*CLASSES).run, None) is None
