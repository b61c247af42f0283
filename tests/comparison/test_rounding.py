"""Rounding as two precisions show it, and the points nearby."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from runner.arrays import Array
from runner.comparison.constants import SHIFT
from runner.comparison.rounding import moved_inputs, moved_parameters, rms, smooth, two_precisions
from runner.comparison.tensors import Layout, layout_of
from tests.helpers import make_setup, same_bits

SHAPES = [(1,), (7,), (1, 1), (1, 5), (5, 1), (4, 6), (3, 4, 5), (150, 130), (3, 5600)]


def smoothed(*errors: Array) -> Array:
    """``smooth`` of one tensor, an argument a side."""
    shape, size = errors[0].shape, errors[0].size
    found = smooth(Layout(("t",), (shape,), ("t",), np.array([0]), size), np.array([e.ravel() for e in errors]))
    assert found is not None
    return found.reshape(shape)


def smoothed_plainly(error: Array) -> Array:
    """The formula of ``smooth`` with nothing but loops."""
    squares = error**2
    if error.size == 1:
        return np.asarray(np.abs(error))
    mean = math.fsum(squares.ravel().tolist()) / error.size
    out = np.empty(error.shape)
    for index in itertools.product(*map(range, error.shape)):
        pooled = mean
        if error.ndim > 1:
            for axis, at in enumerate(index):
                margin = np.take(squares, at, axis=axis)
                pooled *= math.fsum(margin.ravel().tolist()) / margin.size / mean
        out[index] = math.sqrt((squares[index] + 4 * pooled) / 5)
    return out


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_smooth_equals_its_formula(shape: tuple[int, ...], seed: int) -> None:
    error = np.random.default_rng(seed).standard_normal(shape)
    np.testing.assert_allclose(smoothed(error), smoothed_plainly(error), rtol=1e-12, err_msg=f"seed {seed}")


@pytest.mark.parametrize("sizes", [(1.0, 1.0), (1.0, 1e-20), (0.0, 1.0), (1e-200, 1e-180), (1e-40, 1e40), (1e160, 1.0)])
@pytest.mark.parametrize("shape", SHAPES[1:7])
def test_smooth_adds_both_sides_in_squares(shape: tuple[int, ...], sizes: tuple[float, float]) -> None:
    rng = np.random.default_rng(5)
    one, other = (rng.uniform(0.5, 1, shape) for _ in sizes)
    found = smoothed(sizes[0] * one, sizes[1] * other)
    wanted = np.hypot(sizes[0] * smoothed_plainly(one), sizes[1] * smoothed_plainly(other))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_smooth_scales_each_tensor_by_its_own_largest() -> None:
    rng = np.random.default_rng(6)
    scales, parts = (1e-200, 1.0, 1e200), rng.uniform(0.5, 1, (3, 6))
    layout = Layout(("a", "b", "c"), ((6,), (2, 3), (6,)), ("a", "b", "c"), np.array([0, 6, 12]), 18)
    found = smooth(layout, np.concatenate([scale * part for scale, part in zip(scales, parts, strict=True)])[None])
    assert found is not None
    for place, shape, scale, part in zip(layout.places, layout.shapes, scales, parts, strict=True):
        np.testing.assert_allclose(found[place], scale * smoothed_plainly(part.reshape(shape)).ravel(), rtol=1e-12)


def test_smooth_of_an_outer_product_is_the_outer_product() -> None:
    rng = np.random.default_rng(2)
    error = np.outer(rng.standard_normal(6), rng.standard_normal(9))
    np.testing.assert_allclose(smoothed(error), np.abs(error), rtol=1e-12)


def test_smooth_lends_an_element_that_is_0_by_chance_the_size_of_its_neighbours() -> None:
    error = np.ones((5, 5))
    error[2, 3] = 0
    assert 0.5 < smoothed(error)[2, 3] < 1
    assert not smoothed(np.zeros((3, 3))).any()


@pytest.mark.parametrize("factor", [1e-300, 1e-160, 1e160, 1e300])
def test_smooth_and_rms_neither_overflow_nor_vanish(factor: float) -> None:
    error = np.random.default_rng(3).uniform(0.5, 1, (4, 6))
    np.testing.assert_allclose(smoothed(factor * error), factor * smoothed(error), rtol=1e-12)
    np.testing.assert_allclose(rms(factor * error), factor * np.sqrt((error**2).mean(axis=0)), rtol=1e-12)


def test_rms_is_taken_over_the_first_axis() -> None:
    samples = np.array([[3.0, 0.0, -1.0], [4.0, 0.0, 1.0]])
    np.testing.assert_allclose(rms(samples), [math.sqrt(12.5), 0.0, 1.0])
    assert not rms(np.zeros((4, 3))).any()
    np.testing.assert_array_equal(rms(np.array([[1.0, np.inf], [1.0, 1.0]])), [1.0, np.inf])
    np.testing.assert_allclose(rms(np.array([[1e-200, 1e200], [1e-200, 1e200]])), [1e-200, 1e200], rtol=1e-12)


@pytest.fixture(scope="module")
def layout() -> Layout:
    return layout_of(make_setup("architecture.hidden=[4,4]").problem.network, 3)


def test_two_precisions_smooths_the_difference_tensor_by_tensor(layout: Layout) -> None:
    rng = np.random.default_rng(4)
    high = rng.standard_normal(layout.size)
    low = high + 1e-7 * rng.standard_normal(layout.size)
    found = two_precisions(layout, [(low, high)])
    assert found is not None
    for place, shape in zip(layout.slices().values(), layout.shapes, strict=True):
        error = (low - high)[place].reshape(shape if shape else (1,))
        np.testing.assert_allclose(found[place], smoothed_plainly(error).ravel(), rtol=1e-9)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 2, -1])
def test_two_precisions_is_void_where_single_precision_is_not_finite(layout: Layout, broken: float, place: int) -> None:
    high = np.ones(layout.size)
    low = high.copy()
    low[place] = broken
    assert two_precisions(layout, [(low, high)]) is None


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_two_precisions_is_void_where_the_error_exceeds_the_whole_gradient(layout: Layout, scale: float) -> None:
    high = scale * np.ones(layout.size)
    low = high.copy()
    low[layout.gradients] *= 2.01
    assert two_precisions(layout, [(low, high)]) is None
    low[layout.gradients] = 1.99 * high[layout.gradients]
    assert two_precisions(layout, [(low, high)]) is not None
    low = high.copy()
    low[0] *= 100
    assert two_precisions(layout, [(low, high)]) is not None, "loss and prediction are no part of the gradient"


def test_two_precisions_of_equal_sides_is_zero_even_where_the_gradient_is_zero(layout: Layout) -> None:
    found = two_precisions(layout, [(np.zeros(layout.size), np.zeros(layout.size))])
    assert found is not None
    assert not found.any()


def parameters(seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    weight = 1e-3 * rng.standard_normal((6, 4))
    weight[2] = 0
    return {"weight": weight, "bias": rng.standard_normal(6) * 50, "zero": np.zeros(5)}


@pytest.mark.parametrize("k", range(4))
def test_moved_parameters_lie_a_millionth_of_each_tensors_rms_away(k: int) -> None:
    given = parameters(k)
    moved = moved_parameters(given, k)
    for name, value in given.items():
        size = float(np.sqrt(np.mean(value**2))) or 1.0
        assert_half_to_whole(moved[name] - value, SHIFT * size)
    signs = np.sign(np.concatenate([(moved[name] - value).ravel() for name, value in given.items()]))
    assert 5 < (signs > 0).sum() < 30, f"k {k}: all moved to one side"


def test_moved_parameters_differ_from_point_to_point_and_repeat_themselves() -> None:
    given = parameters(1)
    assert same_bits(moved_parameters(given, 3)["bias"], moved_parameters(given, 3)["bias"])
    assert not same_bits(moved_parameters(given, 3)["bias"], moved_parameters(given, 4)["bias"])
    assert same_bits(given["bias"], parameters(1)["bias"]), "the given parameters were changed"


def test_moved_parameters_keep_zeros_where_that_is_asked_for() -> None:
    given = parameters(1)
    moved = moved_parameters(given, 3, keep_zeros=True)
    for name, value in given.items():
        np.testing.assert_array_equal(moved[name] == 0, value == 0)
        np.testing.assert_array_equal(moved[name] != value, value != 0)


@pytest.mark.parametrize("k", range(3))
def test_moved_inputs_keep_zeros_and_move_by_no_more_than_a_millionth_of_themselves(k: int) -> None:
    x = np.random.default_rng(k).standard_normal((8, 3))
    x[2], x[:, 1] = 0, 0
    moved = moved_inputs(x, k)
    np.testing.assert_array_equal(moved == 0, x == 0)
    assert (np.abs(moved - x) <= SHIFT * np.abs(x) * (1 + 1e-6)).all()
    assert (moved != x)[x != 0].all()


def test_moved_inputs_with_a_small_spread_around_a_large_mean_move_by_their_spread() -> None:
    years = 2020 + 5 * np.random.default_rng(0).standard_normal((200, 1))
    change = np.abs(moved_inputs(years, 1) - years)
    assert change.max() <= SHIFT * years.std() * 1.001
    assert change.min() > SHIFT * years.std() * 0.49


def test_moved_inputs_of_one_sample_move_by_its_own_spread_or_size() -> None:
    x = np.array([[1.0, 1.0 + 2.0**-8]])
    assert_half_to_whole(moved_inputs(x, 2) - x, SHIFT * x.std())
    lonely = np.array([[4.0]])
    assert_half_to_whole(moved_inputs(lonely, 2) - lonely, SHIFT * 4.0)


def test_the_point_opposite_lies_on_the_other_side_at_the_same_distance() -> None:
    given, x = parameters(2), np.random.default_rng(2).standard_normal((5, 3))
    there, back = moved_parameters(given, 4), moved_parameters(given, 4, shift=-SHIFT)
    for name, value in given.items():
        np.testing.assert_allclose((there[name] + back[name]) / 2, value, rtol=1e-15, atol=1e-22)
    np.testing.assert_allclose((moved_inputs(x, 4) + moved_inputs(x, 4, -SHIFT)) / 2, x, rtol=1e-15)


def test_equal_parameters_and_equal_inputs_part() -> None:
    ones = np.ones((6, 6))
    for moved in (moved_parameters({"w": ones}, 1)["w"], moved_inputs(ones * [1, 1, 1, 2, 2, 2], 1)):
        assert len(np.unique(moved)) == moved.size


def assert_half_to_whole(change: Array, size: float) -> None:
    """Every element moves, by a half to the whole of ``size``."""
    assert (np.abs(change) <= size * (1 + 1e-6)).all()
    assert (np.abs(change) >= 0.5 * size * (1 - 1e-6)).all()
