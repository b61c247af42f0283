"""16 bits: what is summed in float32 and rounded once, and what torch and a user's function are handed, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from runner import check
from runner.arrays import BFLOAT16, DTYPES, Array, Shape
from runner.backends.tensors import to_numpy, to_torch
from runner.comparison.constants import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from runner.layers.base import Buffers
from runner.layers.linear import Linear
from runner.layers.sigmoid import Sigmoid
from runner.layers.tanh import Tanh
from runner.losses.base import Loss
from runner.losses.mse import MeanOfSquaredErrors
from runner.losses.sse import SumOfSquaredErrors
from runner.optimizers.sgd import PLAIN
from tests.helpers import same_bits
from tests.own import right

every_half = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
TERMS = 3000
"""Beyond 256 a sum of ones stands still in bfloat16, beyond 2048 in float16."""


def full(shape: Shape, value: float, dtype: str) -> Array:
    return np.full(shape, value, DTYPES[dtype])


@every_half
def test_the_constants_are_those_of_the_dtype(dtype: str) -> None:
    one, u, least = (DTYPES[dtype].type(v) for v in (1, UNIT_ROUNDOFF[dtype], SMALLEST_SUBNORMAL[dtype]))
    assert float(one + u) == 1.0
    assert float(one + 2 * u) == 1 + 2 * UNIT_ROUNDOFF[dtype]
    assert (float(least), float(least / 2)) == (SMALLEST_SUBNORMAL[dtype], 0.0)


@every_half
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(TERMS, 1, 1), (1, TERMS, 1), (1, 1, TERMS)], ids=["samples", "inputs", "outputs"])
def test_a_linear_layer_sums_in_single_and_rounds_once(dtype: str, sizes: tuple[int, int, int], bias: bool) -> None:
    """A gradient sums over the samples, the output over the inputs, what goes back over the outputs: TERMS ones."""
    to, (samples, inputs, outputs) = DTYPES[dtype], sizes
    parameters, gradients = {"weight": full((outputs, inputs), 1, dtype)}, {"weight": full((outputs, inputs), 0, dtype)}
    if bias:
        parameters["bias"], gradients["bias"] = full((outputs,), 1 - TERMS, dtype), full((outputs,), 0, dtype)
    buffers = Buffers((samples, inputs), parameters, gradients, lambda s: np.empty(s, to), input_gradient=True)
    made = Linear(name=None, out=outputs, bias=bias).scratch(buffers)
    y = made.forward(full((samples, inputs), 1, dtype))
    back = made.backward(full((samples, outputs), 1, dtype))

    def rounded(value: float) -> set[float]:
        return {float(to.type(value))}

    assert (y.dtype, back.dtype) == (to, to)
    assert set(y.ravel().tolist()) == rounded(inputs + (float(to.type(1 - TERMS)) if bias else 0))
    assert set(back.ravel().tolist()) == rounded(outputs)
    for gradient in gradients.values():
        assert set(gradient.ravel().tolist()) == rounded(samples)


@every_half
@pytest.mark.parametrize(
    ("loss", "wanted"), [(SumOfSquaredErrors(), TERMS), (MeanOfSquaredErrors(reduction="mean"), 1)]
)
def test_a_loss_sums_in_single_and_rounds_once(dtype: str, loss: Loss, wanted: float) -> None:
    made = loss.scratch((TERMS, 1), lambda shape: np.empty(shape, DTYPES[dtype]))
    found = made.forward(full((TERMS, 1), 1, dtype), full((TERMS, 1), 0, dtype))
    assert found.dtype == DTYPES[dtype]
    assert float(found) == float(DTYPES[dtype].type(wanted))
    slope = 2 * wanted / TERMS
    assert float(made.backward()[0, 0]) == float(DTYPES[dtype].type(slope))


def test_a_bias_gradient_of_many_samples_is_rounded_once() -> None:
    """NumPy's own reduction would round its sum after every 8192 terms."""
    delta = np.random.default_rng(0).random((100_000, 1)).astype(np.float16) / np.float16(8)
    d_bias = np.empty(1, np.float16)
    parameters = {"weight": np.zeros((1, 1), np.float16), "bias": np.zeros(1, np.float16)}
    gradients = {"weight": np.zeros((1, 1), np.float16), "bias": d_bias}
    buffers = Buffers(delta.shape, parameters, gradients, lambda s: np.empty(s, np.float16), input_gradient=False)
    made = Linear(name=None, out=1, bias=True).scratch(buffers)
    made.forward(delta)
    made.backward(delta)
    assert d_bias[0] == delta.astype(np.float64).sum().astype(np.float16)


@every_half
def test_a_sigmoid_is_rounded_once_over_the_whole_range(dtype: str) -> None:
    """exp(12) is beyond float16; 1 / (1 + exp(12)) is not."""
    z = np.linspace(-16, 16, 1001)[:, None].astype(DTYPES[dtype])
    buffers = Buffers(z.shape, {}, {}, lambda shape: np.empty(shape, DTYPES[dtype]), input_gradient=True)
    a = Sigmoid(name=None).scratch(buffers).forward(z)
    assert_rounded_once(a, 1 / (1 + np.exp(-z.astype(np.float64))), dtype)


@every_half
@pytest.mark.parametrize(("layer", "slope"), [(Sigmoid, lambda a: a * (1 - a)), (Tanh, lambda a: 1 - a * a)])
def test_what_goes_back_through_an_activation_is_rounded_once(
    dtype: str, layer: type[Sigmoid] | type[Tanh], slope: Callable[[Array], Array]
) -> None:
    """1 - a^2 is small where a lies near 1, and a^2 rounded would leave little of it."""
    z = np.linspace(-4, 4, 1001)[:, None].astype(DTYPES[dtype])
    delta = np.random.default_rng(0).standard_normal(z.shape).astype(DTYPES[dtype])
    buffers = Buffers(z.shape, {}, {}, lambda shape: np.empty(shape, DTYPES[dtype]), input_gradient=True)
    made = layer(name=None).scratch(buffers)
    a = made.forward(z).astype(np.float64)
    assert_rounded_once(made.backward(delta), delta.astype(np.float64) * slope(a), dtype)


def assert_rounded_once(found: Array, right: Array, dtype: str) -> None:
    assert found.dtype == DTYPES[dtype]
    apart = np.abs(found.astype(np.float64) - right)
    assert (apart <= 1.01 * UNIT_ROUNDOFF[dtype] * np.abs(right) + SMALLEST_SUBNORMAL[dtype]).all()


@every_half
@pytest.mark.parametrize("lr", [0.05, 0.3, 1e-3])
def test_an_update_is_torchs_to_the_bit_where_it_fills_registers(dtype: str, lr: float) -> None:
    rng = np.random.default_rng(1)
    start, gradient = (rng.standard_normal(4096).astype(DTYPES[dtype]) for _ in range(2))
    mine, p = start.copy(), torch.nn.Parameter(to_torch(start))
    p.grad = to_torch(gradient)
    PLAIN.scratch(mine, gradient).update(lr)
    PLAIN.torch([p], lr).step()
    apart = np.flatnonzero(mine != to_numpy(p))
    assert len(apart) <= 4, f"{len(apart)} of 4096 differ"  # a fused multiply-add rounds once less in float32
    assert not (mine == start).all()


def every_bit_pattern(dtype: str) -> Array:
    return np.arange(2**16, dtype=np.uint16).view(DTYPES[dtype])


@every_half
def test_every_number_goes_to_torch_and_back_to_the_bit(dtype: str) -> None:
    """NaN of every kind, both zeros, infinities and subnormal numbers among them."""
    there = every_bit_pattern(dtype)
    tensor = to_torch(there)
    assert tensor.dtype == getattr(torch, dtype)
    assert same_bits(to_numpy(tensor), there)
    with np.errstate(invalid="ignore"):  # signalling NaN
        finite = there[np.isfinite(there)]
    np.testing.assert_array_equal(to_torch(finite).double().numpy(), finite.astype(np.float64))
    assert same_bits(to_numpy(to_torch(finite.astype(np.float64), tensor.dtype)), finite)


@pytest.mark.parametrize("shape", [(), (1,), (3, 2), (0, 2)])
def test_shapes_survive_and_memory_is_shared_one_way_only(shape: Shape) -> None:
    there = np.ones(shape, BFLOAT16)
    tensor = to_torch(there)
    back = to_numpy(tensor)
    assert (tuple(tensor.shape), back.shape) == (shape, shape)
    tensor.fill_(3)
    assert (back == 3).all()
    assert (there == 1).all()
    turned = np.arange(6.0).reshape(2, 3).astype(BFLOAT16).T
    assert same_bits(to_numpy(to_torch(turned)), turned)


@every_half
def test_a_function_gets_arrays_of_the_runs_dtype_and_must_not_return_fewer_digits(dtype: str) -> None:
    seen: set[np.dtype[Any]] = set()

    def backprop(parameters: dict[str, Array], x: Array, y: Array) -> object:
        seen.update(v.dtype for v in (x, y, *parameters.values()))
        return right.backprop(parameters, x, y)

    def narrower(parameters: dict[str, Array], x: Array, y: Array) -> object:
        loss, prediction, gradients = right.backprop(parameters, x, y)
        return np.asarray(loss).astype(narrow), prediction, gradients

    keys, narrow = [f"dtype={dtype}", "data.samples=4"], ml_dtypes.float8_e5m2
    assert check(backprop, *keys).agree
    assert seen == {DTYPES[dtype], DTYPES["float64"]}
    found = check(narrower, *keys)
    assert found.verdict == "mismatch"
    assert f"a loss in float8_e5m2 for arguments in {dtype}, which loses digits" in repr(found)
    assert "say so" not in repr(found)
