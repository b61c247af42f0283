"""Convolution and pooling where they are hard: ties, windows that begin in the padding, shapes that do not fit."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import Array, Shape
from runner.comparison.rounding import noise
from runner.errors import ConfigError
from runner.layers.base import Buffers
from tests.layers.helpers import Case, by_autograd, by_hand, draw_case, make_layer

POOLS: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": [2, 3], "stride": 1, "dilation": [2, 1]},
]


def drawn(name: str, keys: dict[str, Any], shape: Shape, seed: int = 0) -> Case:
    return draw_case(make_layer(name, keys), np.random.default_rng(seed), batch=2, shape=shape)


def pooled(keys: dict[str, Any], x: Array, seed: int) -> Case:
    """A max pool of ``x`` whose delta are whole numbers, so that sums of them are exact."""
    layer = make_layer("max_pool2d", keys)
    delta = np.random.default_rng(seed).integers(1, 9, (x.shape[0], *layer.output_shape(x.shape[1:])))
    return Case(layer, x, {}, delta.astype(float))


@pytest.mark.parametrize("keys", POOLS, ids=str)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["zeros of a relu", "plateaus", "all equal", "all negative"])
def test_the_first_of_equal_maxima_takes_the_gradient_as_in_torch(keys: dict[str, Any], seed: int, kind: str) -> None:
    x = np.random.default_rng(seed).standard_normal((2, 2, 7, 8))
    made = {
        "zeros of a relu": np.maximum(x - 1, 0),
        "plateaus": np.round(x),
        "all equal": np.full_like(x, 0.5),
        "all negative": -1 - np.abs(np.round(x)),
    }
    case = pooled(keys, made[kind], seed)
    mine, theirs = by_hand(case), by_autograd(case)
    np.testing.assert_array_equal(mine["output"], theirs["output"])
    np.testing.assert_array_equal(mine["input"], theirs["input"])


def test_noise_lets_a_tie_fall_to_the_first_or_to_the_last() -> None:
    case = pooled({"kernel_size": 2}, np.full((1, 1, 2, 2), 3.0), 0)
    found = {}
    for ties in (-1, 1):
        with noise(0.0, 1, ties=ties):
            found[ties] = by_hand(case, noisy=True)["input"].ravel()
    np.testing.assert_array_equal(np.flatnonzero(found[-1]), [0])
    np.testing.assert_array_equal(np.flatnonzero(found[1]), [3])


def test_a_window_of_more_points_than_a_byte_counts() -> None:
    case = drawn("max_pool2d", {"kernel_size": 17}, (1, 18, 19))
    mine, theirs = by_hand(case), by_autograd(case)
    np.testing.assert_array_equal(mine["output"], theirs["output"])
    np.testing.assert_array_equal(mine["input"], theirs["input"])


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    "counted", [{"count_include_pad": False}, {"count_include_pad": True}, {"divisor_override": 3}]
)
def test_every_small_window_averages_as_torch_does(ceil_mode: bool, counted: dict[str, Any]) -> None:
    for size, kernel, stride, padding in product(range(1, 7), range(1, 5), range(1, 4), range(3)):
        if padding > kernel // 2 or size + 2 * padding < kernel:
            continue
        keys = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode, **counted}
        case = drawn("avg_pool2d", keys, (1, size, size + 1))
        mine, theirs = by_hand(case), by_autograd(case)
        for tensor, value in theirs.items():
            np.testing.assert_allclose(mine[tensor], value, atol=1e-14, err_msg=f"{tensor} of {size}, {keys}")


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_every_small_window_has_its_maximum_where_torch_has_it(ceil_mode: bool) -> None:
    for size, kernel, stride, dilation in product(range(2, 7), range(1, 4), range(1, 4), range(1, 3)):
        padding = kernel // 2
        if size + 2 * padding < dilation * (kernel - 1) + 1:
            continue
        keys = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        case = drawn("max_pool2d", {**keys, "ceil_mode": ceil_mode}, (1, size, size + 1))
        mine, theirs = by_hand(case), by_autograd(case)
        for tensor, value in theirs.items():
            np.testing.assert_allclose(mine[tensor], value, atol=1e-14, err_msg=f"{tensor} of {size}, {keys}")


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_window_without_a_point_of_the_image_is_refused_and_no_other(axis: int, ceil_mode: bool) -> None:
    refused = 0
    for size, kernel, stride, dilation in product(range(1, 5), range(1, 5), range(1, 4), range(1, 5)):
        for padding in range(kernel // 2 + 1):
            along = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
            keys: dict[str, Any] = {k: [int(k != "padding"), int(k != "padding")] for k in along}
            for key, number in along.items():
                keys[key][axis] = number
            image = (1, size, 3) if axis == 0 else (1, 3, size)
            layer = make_layer("max_pool2d", {**keys, "ceil_mode": ceil_mode})
            try:  # of shapes alone: where a window is empty, torch's kernel writes past its arrays
                outputs = layer.torch(image)(torch.empty((1, *image), device="meta")).shape[2 + axis]
            except RuntimeError:
                outputs = 0
            starts = [i * stride - padding for i in range(outputs)]
            empty = [s for s in starts if not any(0 <= s + k * dilation < size for k in range(kernel))]
            if empty or not outputs:
                refused += bool(empty)
                with pytest.raises(ValueError, match="has a point of" if empty else "a window finds room in"):
                    layer.output_shape(image)
                continue
            case = drawn("max_pool2d", {**keys, "ceil_mode": ceil_mode}, image)
            mine, theirs = by_hand(case), by_autograd(case)
            for tensor, value in theirs.items():
                np.testing.assert_allclose(mine[tensor], value, atol=1e-14, err_msg=f"{tensor} of {image}, {keys}")
    assert refused


def test_every_small_kernel_convolves_as_torch_does() -> None:
    for size, kernel, stride, padding, dilation in product(
        range(1, 6), range(1, 4), range(1, 4), range(3), range(1, 3)
    ):
        if size + 2 * padding < dilation * (kernel - 1) + 1:
            continue
        keys = {"out_channels": 2, "kernel_size": [kernel, 2], "stride": stride, "dilation": [dilation, 1]}
        case = drawn("conv2d", {**keys, "padding": [padding, 1]}, (2, size, 3))
        mine, theirs = by_hand(case), by_autograd(case)
        for tensor, value in theirs.items():
            np.testing.assert_allclose(
                mine[tensor], value, atol=1e-13, err_msg=f"{tensor} of {size}, {keys}, {padding}"
            )


def test_every_small_image_is_cut_into_parts_as_torch_cuts_it() -> None:
    for size, parts in product(range(1, 9), range(1, 8)):
        case = drawn("adaptive_avg_pool2d", {"output_size": [parts, None]}, (1, size, 2))
        mine, theirs = by_hand(case), by_autograd(case)
        for tensor, value in theirs.items():
            np.testing.assert_allclose(mine[tensor], value, atol=1e-14, err_msg=f"{tensor} of {size}, {parts}")


@pytest.mark.parametrize("out_channels", [2, 40])
def test_the_gradient_of_the_weight_is_one_whichever_way_its_products_are_summed(out_channels: int) -> None:
    for groups, batch in product((1, 2), (1, 3)):
        keys = {"out_channels": out_channels, "kernel_size": 2, "groups": groups}
        case = draw_case(make_layer("conv2d", keys), np.random.default_rng(1), batch=batch, shape=(4, 4, 3))
        np.testing.assert_allclose(by_hand(case)["weight"], by_autograd(case)["weight"], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("conv2d", {"out_channels": 2, "kernel_size": 3, "padding": 1}),
        ("conv2d", {"out_channels": 2, "kernel_size": 2, "stride": 3, "padding": 1}),
        ("max_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1}),
        ("max_pool2d", {"kernel_size": 2, "stride": 3}),
        ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1}),
    ],
    ids=str,
)
def test_a_second_batch_finds_nothing_of_the_first_in_the_buffers(name: str, keys: dict[str, Any]) -> None:
    first, second = drawn(name, keys, (2, 6, 5), seed=1), drawn(name, keys, (2, 6, 5), seed=2)
    gradients = {key: np.empty_like(value) for key, value in first.parameters.items()}
    parameters = {key: value.copy() for key, value in first.parameters.items()}
    made = first.layer.scratch(Buffers(first.x.shape, parameters, gradients, np.empty, input_gradient=True))
    made.forward(first.x)
    made.backward(first.delta)
    for key, value in second.parameters.items():
        parameters[key][...] = value
    found = {"output": made.forward(second.x).copy(), "input": made.backward(second.delta), **gradients}
    for tensor, value in by_hand(second).items():
        np.testing.assert_array_equal(found[tensor], value, err_msg=tensor)


def test_a_pointwise_convolution_copies_no_window() -> None:
    case = drawn("conv2d", {"out_channels": 3, "kernel_size": 1}, (2, 4, 3))
    made_for: list[int] = []

    def empty(shape: Shape) -> Array:
        made_for.append(int(np.prod(shape)))
        return np.empty(shape)

    gradients = {key: np.empty_like(value) for key, value in case.parameters.items()}
    case.layer.scratch(Buffers(case.x.shape, case.parameters, gradients, empty, input_gradient=True))
    assert sum(made_for) == case.delta.size + case.x.size + 2 * 3 * 2  # y, dx, and a product a sample


def test_flattening_moves_no_value() -> None:
    case = drawn("flatten", {"start_dim": 2}, (2, 3, 4))
    made = case.layer.scratch(Buffers(case.x.shape, {}, {}, np.empty, input_gradient=True))
    y = made.forward(case.x)
    assert y.shape == (2, 2, 12)
    assert np.shares_memory(y, case.x)
    np.testing.assert_array_equal(made.backward(y), case.x)


@pytest.mark.parametrize(
    ("name", "keys", "shape", "words"),
    [
        ("conv2d", {"out_channels": 1, "kernel_size": 5}, (1, 4, 8), "at least 5 x 5 points"),
        ("conv2d", {"out_channels": 1, "kernel_size": [5, 3], "padding": 1}, (1, 2, 8), "at least 3 x 1 points"),
        ("conv2d", {"out_channels": 2, "kernel_size": 1, "groups": 2}, (3, 4, 4), "multiple of groups, 2"),
        ("conv2d", {"out_channels": 1, "kernel_size": 1}, (4, 4), r"3 axes \(channels, height, width\)"),
        ("conv1d", {"out_channels": 1, "kernel_size": 3, "dilation": 2}, (1, 4), "at least 5 points"),
        ("conv1d", {"out_channels": 1, "kernel_size": 3}, (4,), r"2 axes \(channels, length\)"),
        ("max_pool2d", {"kernel_size": 3}, (1, 2, 5), "at least 3 x 3 points"),
        ("max_pool2d", {"kernel_size": 3}, (5, 5), r"3 axes \(channels, height, width\)"),
        ("avg_pool2d", {"kernel_size": 4, "padding": 1}, (1, 5, 1), "at least 2 x 2 points"),
        ("adaptive_avg_pool2d", {"output_size": 2}, (5,), r"3 axes \(channels, height, width\)"),
        ("flatten", {"start_dim": 3}, (2, 3), "axes from start_dim, 3, to end_dim, -1"),
        ("flatten", {"start_dim": 2, "end_dim": 1}, (2, 3), "axes from start_dim, 2, to end_dim, 1"),
        ("flatten", {"start_dim": -3}, (2, 3), "axes from start_dim, -3"),
    ],
)
def test_an_input_that_does_not_fit_is_told_so_in_one_line(
    name: str, keys: dict[str, Any], shape: Shape, words: str
) -> None:
    layer = make_layer(name, keys)
    with pytest.raises(ValueError, match=words) as told:
        layer.output_shape(shape)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "keys", "key", "words"),
    [
        ("conv2d", {"kernel_size": 0}, "kernel_size", "a whole number from 1, or a list of 2 of them"),
        ("conv2d", {"kernel_size": [3, 3, 3]}, "kernel_size", "a list of 2"),
        ("conv2d", {"kernel_size": True}, "kernel_size", "a whole number"),
        ("conv2d", {"kernel_size": 2.5}, "kernel_size", "a whole number"),
        ("conv2d", {"stride": None}, "stride", "a whole number from 1"),
        ("conv2d", {"padding": "full"}, "padding", 'or "same", or "valid"'),
        ("conv2d", {"padding": -1}, "padding", "a whole number from 0"),
        ("conv2d", {"padding": "same", "stride": [1, 2]}, "stride", '1 where padding is "same"'),
        ("conv2d", {"groups": 0}, "groups", "a whole number from 1"),
        ("conv2d", {"groups": 3}, "out_channels", "a multiple of groups, 3"),
        ("conv2d", {"out_channels": 0}, "out_channels", "from 1"),
        ("conv1d", {"kernel_size": [3, 3]}, "kernel_size", "a whole number from 1, or a list of one"),
        ("max_pool2d", {"padding": 2}, "padding", "at most half of kernel_size"),
        ("max_pool2d", {"dilation": 0}, "dilation", "a whole number from 1"),
        ("max_pool2d", {"stride": 0}, "stride", "or null"),
        ("avg_pool2d", {"padding": [0, 2]}, "padding", "at most half of kernel_size"),
        ("avg_pool2d", {"divisor_override": 0}, "divisor_override", "other than 0"),
        ("adaptive_avg_pool2d", {"output_size": [None, 0]}, "output_size", "a whole number from 1"),
        ("adaptive_avg_pool2d", {"output_size": None}, "output_size", "a whole number from 1"),
        ("flatten", {"start_dim": 0}, "start_dim", "axis 0 is the batch"),
    ],
)
def test_a_key_out_of_range_is_named(name: str, keys: dict[str, Any], key: str, words: str) -> None:
    base: dict[str, Any] = {"kernel_size": 3} if name not in ("flatten", "adaptive_avg_pool2d") else {}
    base |= {"out_channels": 4} if name.startswith("conv") else {}
    with pytest.raises(ConfigError, match=words) as told:
        make_layer(name, {**base, **keys})
    assert told.value.key.endswith(key)
