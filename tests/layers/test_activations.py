"""Activations where they are hard: far out, next to 0, at their kinks, and what their keys refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from runner.arrays import Array
from runner.errors import ConfigError
from tests.layers.helpers import Case, by_autograd, by_hand, make_layer

Function = Callable[[Any], Any]

ALPHA, SCALE = mpmath.mpf("1.6732632423543772848170429916717"), mpmath.mpf("1.0507009873554804934193349852946")


def _sigmoid(z: Array) -> Array:
    return np.asarray(np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z))))


def _softplus(z: Any) -> Any:
    return z + mpmath.log1p(mpmath.exp(-z)) if z > 0 else mpmath.log1p(mpmath.exp(z))


def _ncdf(z: Any) -> Any:
    return mpmath.ncdf(max(min(z, 1000), -1000))  # mpmath gives up beyond


def _tanh_gelu(z: Any) -> Any:
    t = mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3)
    return z / (1 + mpmath.exp(-2 * t))


def _tanh_gelu_slope(z: Any) -> Any:
    k, c = mpmath.sqrt(2 / mpmath.pi), mpmath.mpf("0.044715")
    s = 1 / (1 + mpmath.exp(-2 * k * (z + c * z**3)))
    other = 1 / (1 + mpmath.exp(2 * k * (z + c * z**3)))
    return s + 2 * z * s * other * k * (1 + 3 * c * z**2)


def _silu_slope(z: Any) -> Any:
    s = 1 / (1 + mpmath.exp(-z))
    return s + z * s / (1 + mpmath.exp(z))


def _mish_slope(z: Any) -> Any:
    t = mpmath.tanh(_softplus(z))
    return t + z * mpmath.sech(_softplus(z)) ** 2 / (1 + mpmath.exp(-z))


EXACT: dict[tuple[str, str], tuple[Function, Function]] = {
    ("leaky_relu", ""): (lambda z: z if z > 0 else z / 4, lambda z: 1 if z > 0 else mpmath.mpf(1) / 4),
    ("elu", ""): (lambda z: z if z > 0 else mpmath.expm1(z), lambda z: 1 if z > 0 else mpmath.exp(z)),
    ("selu", ""): (
        lambda z: SCALE * (z if z > 0 else ALPHA * mpmath.expm1(z)),
        lambda z: SCALE * (1 if z > 0 else ALPHA * mpmath.exp(z)),
    ),
    ("gelu", "none"): (lambda z: z * _ncdf(z), lambda z: _ncdf(z) + z * mpmath.npdf(z)),
    ("gelu", "tanh"): (_tanh_gelu, _tanh_gelu_slope),
    ("silu", ""): (lambda z: z / (1 + mpmath.exp(-z)), _silu_slope),
    ("mish", ""): (lambda z: z * mpmath.tanh(_softplus(z)), _mish_slope),
    ("softplus", ""): (_softplus, lambda z: 1 / (1 + mpmath.exp(-z))),
    ("hardtanh", ""): (lambda z: max(min(z, 1), -1), lambda z: int(-1 < z < 1)),
    ("softsign", ""): (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
}
KEYS: dict[tuple[str, str], dict[str, Any]] = {
    ("leaky_relu", ""): {"negative_slope": 0.25},
    ("gelu", "none"): {"approximate": "none"},
    ("gelu", "tanh"): {"approximate": "tanh"},
}
CANCEL: dict[str, Callable[[Array], Array]] = {
    "elu": np.ones_like,
    "selu": lambda z: np.full_like(z, 1.76),
    "gelu": lambda z: np.where(np.abs(z) < 12, 2 * (1 + np.minimum(np.abs(z), 12)), 0),
    "silu": lambda z: (1 + np.abs(z)) * _sigmoid(z) * (np.abs(z) < 40),
    "mish": lambda z: (1 + np.abs(z)) * _sigmoid(z) * (np.abs(z) < 40),
    "softsign": lambda z: 1 / (1 + np.abs(z)),
}
"""The size of what cancels in a slope (of gelu, in its value too): a + alpha, 1 + erf, 1 - t^2. torch loses as much."""

ROUNDINGS = 8

TINY = [1e-30, 1e-20, 1e-8, 1e-4]
SIZES = [*TINY, 1e-2, 0.1, 0.5, 0.9, 1.1, 2.0, 3.3, 5.0, 8.0, 12.0, 18.0, 25.0, 37.0, 60.0, 86.0, 90.0, 104.0, 300.0]
FAR = [*SIZES, 700.0, 720.0, 745.0, 1e3, 3e3, 1e4]


def points(dtype: str) -> Array:
    ends = [float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)]
    random = np.random.default_rng(0).standard_normal(200) * np.repeat([0.3, 3.0, 10.0, 30.0], 50)
    values = np.array([*FAR, *ends], dtype)
    return np.concatenate([-values, values, random.astype(dtype)]).astype(np.float64)


def value_and_slope(name: str, keys: Mapping[str, Any], z: Array, dtype: str) -> tuple[Array, Array]:
    """By the pass."""
    case = Case(make_layer(name, keys), z.reshape(1, -1), {}, np.ones((1, z.size)))
    with np.errstate(all="ignore"):
        found = by_hand(case, dtype)
    return found["output"][0], found["input"][0]


def by_torch(name: str, keys: Mapping[str, Any], z: Array, dtype: str) -> tuple[Array, Array]:
    x = torch.tensor(z, dtype=getattr(torch, dtype), requires_grad=True)
    y = make_layer(name, keys).torch((z.size,))(x)
    y.sum().backward()
    assert x.grad is not None
    return y.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("which", EXACT, ids="-".join)
def test_values_and_slopes_are_as_close_to_the_exact_ones_as_those_of_torch(which: tuple[str, str], dtype: str) -> None:
    name, keys, z = which[0], KEYS.get(which, {}), points(dtype)
    mine, theirs = value_and_slope(name, keys, z, dtype), by_torch(name, keys, z, dtype)
    for what, exact, a, b in zip(("value", "slope"), EXACT[which], mine, theirs, strict=True):
        with mpmath.workdps(60), np.errstate(over="ignore"):
            true = [exact(mpmath.mpf(float(v))) for v in z]
            errors = [[float(abs(mpmath.mpf(float(v)) - t)) for v, t in zip(w, true, strict=True)] for w in (a, b)]
        own, its = np.array(errors)
        sizes = np.abs(np.array([float(t) for t in true]))
        sizes = np.maximum(sizes, CANCEL[name](z)) if name in CANCEL and (name == "gelu" or what == "slope") else sizes
        allowed = 2 * its + ROUNDINGS * np.finfo(dtype).eps / 2 * sizes + np.finfo(dtype).tiny
        far = np.isfinite(b) & ~(own <= allowed)
        assert not far.any(), f"{what} at {z[far]}: off by {own[far]}, torch by {its[far]}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("which", EXACT, ids="-".join)
def test_no_number_that_the_dtype_holds_makes_a_nan(which: tuple[str, str], dtype: str) -> None:
    for a in value_and_slope(which[0], KEYS.get(which, {}), points(dtype), dtype):
        assert not np.isnan(a).any()


KINKS = [
    ("leaky_relu", {"negative_slope": 0.1}, [0.0, -0.0]),
    ("leaky_relu", {"negative_slope": 3.0}, [0.0, -0.0]),
    ("elu", {"alpha": 2.0}, [0.0, -0.0]),
    ("elu", {"alpha": -2.0}, [0.0, -0.0, 1.0, -1.0]),
    ("selu", {}, [0.0, -0.0]),
    ("softplus", {"beta": 2.0, "threshold": 4.0}, [2.0, np.nextafter(2.0, 3), np.nextafter(2.0, 1), 3.0]),
    ("hardtanh", {"min_val": -0.5, "max_val": 2.0}, [-0.5, 2.0, np.nextafter(2.0, 1), np.nextafter(-0.5, 0)]),
    ("softsign", {}, [0.0, -0.0]),
    ("relu", {}, [0.0, -0.0]),
]


@pytest.mark.parametrize(("name", "keys", "at"), KINKS, ids=lambda v: str(v))
def test_at_a_kink_the_side_is_the_one_that_torch_takes(name: str, keys: dict[str, Any], at: list[float]) -> None:
    mine, theirs = value_and_slope(name, keys, np.array(at), "float64"), by_torch(name, keys, np.array(at), "float64")
    np.testing.assert_allclose(mine[0], theirs[0], rtol=4e-16)
    np.testing.assert_allclose(mine[1], theirs[1], rtol=4e-16)


def of_softmax(name: str, dim: int, z: Array, delta: Array, dtype: str = "float64") -> dict[str, Array]:
    return by_hand(Case(make_layer(name, {"dim": dim}), z, {}, delta), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_logits_far_apart_overflow_neither_softmax_nor_its_logarithm(name: str, dtype: str) -> None:
    z = np.array([[1e4, 0.0, -1e4], [800.0, 799.0, 0.0], [-1e30, -1e30, -1e30], [1e-30, 0.0, -1e-30]])
    case = Case(make_layer(name, {}), z, {}, np.random.default_rng(1).standard_normal(z.shape)).rounded(dtype)
    mine, theirs, few = by_hand(case, dtype), by_autograd(case), 8 * float(np.finfo(dtype).eps)
    for tensor, value in theirs.items():
        np.testing.assert_allclose(mine[tensor], value, rtol=few, atol=few)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_every_axis_of_the_sample_can_be_told_from_either_end(name: str) -> None:
    rng = np.random.default_rng(2)
    z, delta = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 4, 5))
    for dim in (1, 2, 3):
        forth, back = (of_softmax(name, d, z, delta) for d in (dim, dim - 4))
        for tensor, value in forth.items():
            np.testing.assert_array_equal(value, back[tensor])
        total = (forth["output"] if name == "softmax" else np.exp(forth["output"])).sum(axis=dim)
        np.testing.assert_allclose(total, 1, rtol=1e-14)


@pytest.mark.parametrize("dim", [2, -2, 5])
def test_an_axis_that_the_sample_has_not_is_refused_in_words(dim: int) -> None:
    layer = make_layer("softmax", {"dim": dim})
    with pytest.raises(ValueError, match=f"an input of {abs(dim)} axes or more, for dim {dim}"):
        layer.output_shape((6,))
    assert layer.output_shape((2, 3, 4, 5, 6)) == (2, 3, 4, 5, 6)


REFUSED = [
    ("softmax", {"dim": 0}, "dim"),
    ("log_softmax", {"dim": 0}, "dim"),
    ("gelu", {"approximate": "tan"}, "approximate"),
    ("hardtanh", {"min_val": 1.0, "max_val": 1.0}, "max_val"),
    ("softplus", {"beta": 0.0}, "beta"),
    ("softplus", {"threshold": float("nan")}, "threshold"),
    ("leaky_relu", {"negative_slope": float("inf")}, "negative_slope"),
    ("elu", {"alpha": float("nan")}, "alpha"),
]


@pytest.mark.parametrize(("name", "keys", "key"), REFUSED, ids=lambda v: str(v))
def test_a_value_out_of_range_is_refused_by_its_key(name: str, keys: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_layer(name, keys)
    assert raised.value.key == f"layer.{key}"
