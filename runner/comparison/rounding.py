"""Rounding, measured: from two precisions, from noisy arithmetic, and the points nearby."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from runner.arrays import Array, Shape
from runner.comparison.constants import SHIFT
from runner.comparison.tensors import Layout

SIGNS_AND_CHOICES = [
    "negative",
    "positive",
    "absolute",
    "fabs",
    "sign",
    "copysign",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
]
EXACT = frozenset([*SIGNS_AND_CHOICES, "floor", "ceil", "trunc", "rint"])
"""Ufuncs whose results are not rounded."""


class NoisyArray(np.ndarray[Any, Any]):
    """A float64 array whose every rounded result errs by plus or minus ``error``, relatively.

    Monte Carlo arithmetic (Parker 1997) with a sign that is a hash of the value, the operation and the run instead of
    a fresh draw: equal computations err equally, exact ties stay ties, and a run can be repeated to the bit. The
    operands of sums and matrix products err too, since a product of one term alone has no rounding to show.

    Class attributes, set for a run by ``noise``:
        error: The relative error.
        run: The number of the run.
        near_zero: Whether results that are exactly 0 fall on either side of it.
    """

    error = 0.0
    run = 0
    near_zero = False

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        name = ufunc.__name__
        operands = [_plain(i) for i in inputs]
        if out is not None:
            kwargs["out"] = tuple(_plain(o) for o in out)
        if "where" in kwargs:
            kwargs["where"] = _plain(kwargs["where"])
        if ufunc in (np.matmul, np.vecdot) or (method in ("reduce", "accumulate", "reduceat") and ufunc is np.add):
            operands = [_noisy(v, f"{name}{i}") if isinstance(v, np.ndarray) else v for i, v in enumerate(operands)]
        result = getattr(ufunc, method)(*operands, **kwargs)
        if out is not None:
            for o in kwargs["out"]:
                if o is not None and name not in EXACT and o.dtype == np.float64:
                    o[...] = _noisy(o.copy(), name)
            return out[0] if len(out) == 1 else out
        if isinstance(result, tuple):
            return tuple(_wrap(r, name) for r in result)
        return None if result is None else _wrap(result, name)


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, NoisyArray) else value


def _wrap(result: Any, name: str) -> Any:
    array = np.asarray(result)
    if array.dtype != np.float64:
        return result
    return (array if name in EXACT else _noisy(array, name)).view(NoisyArray)


def _noisy(values: Array, operation: str) -> Array:
    """``values`` with an error of plus or minus the noise's size each, in a new array; other dtypes as they are."""
    if values.dtype != np.float64:
        return values
    if NoisyArray.near_zero:
        side = np.random.default_rng((NoisyArray.run, values.size)).choice([-1e-250, 1e-250], values.shape)
        values = np.where(values == 0, side, values)
    bits = np.ascontiguousarray(values).view(np.uint64).reshape(values.shape)
    salt = np.uint64(zlib.crc32(operation.encode()) * 0x9E3779B1 + NoisyArray.run * 0x85EBCA6B)
    with np.errstate(over="ignore", invalid="ignore"):
        h = (bits ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        sign = 2.0 * (h >> np.uint64(63)).astype(np.float64) - 1.0
        return np.asarray(values * (1.0 + NoisyArray.error * sign))


class noise:  # noqa: N801  (reads as a verb where it is used)
    """Sets error, run and near_zero of the noise for a ``with`` block."""

    def __init__(self, error: float, run: int, near_zero: bool = False) -> None:
        self.values = (error, run, near_zero)

    def __enter__(self) -> Self:
        self.before = (NoisyArray.error, NoisyArray.run, NoisyArray.near_zero)
        NoisyArray.error, NoisyArray.run, NoisyArray.near_zero = self.values
        return self

    def __exit__(self, *_: object) -> None:
        NoisyArray.error, NoisyArray.run, NoisyArray.near_zero = self.before


def empty_noisy(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """An uninitialised noisy array, for a backend's buffers."""
    return np.empty(shape, dtype).view(NoisyArray)


def two_precisions(layout: Layout, low: Array, high: Array) -> Array | None:
    """The first look's sigma in float32's unit, (layout.size,), from a step in float32 and the same in float64.

    Their difference is one sample of float32's rounding; it is smoothed over each tensor, since a sample can be 0 by
    chance. None where float32 kept nothing: it is not finite, or off by more than the gradient's own norm.
    """
    with np.errstate(all="ignore"):
        error = low - high
        if not np.isfinite(error).all():
            return None
        gradient = high[layout.gradients]
        top = np.abs(gradient).max() or 1.0
        if np.linalg.norm(error[layout.gradients] / top) > np.linalg.norm(gradient / top):
            return None
        out = np.empty_like(error)
        for place, shape in zip(layout.slices().values(), layout.shapes, strict=True):
            out[place] = smooth(error[place].reshape(shape)).ravel()
    return out


def smooth(error: Array) -> Array:
    """Sigma of every element from one sample of each: sqrt((e^2 + 4 p) / 5).

    p is the product over the axes of the mean of e^2 along the other axes, over m^(axes - 1), m being the mean of
    e^2: a gradient is a sum of outer products, so that e^2 is close to a product of its margins. A vector pools to m,
    a single element keeps e^2. Scaled by the maximum before squaring, against overflow and underflow.
    """
    size = np.abs(error)
    top = size.max(initial=0.0)
    if top == 0 or error.size == 1:
        return size
    q = np.square(size / top)
    mean = q.mean()
    pooled: Array = np.asarray(mean)
    for axis in range(q.ndim) if q.ndim > 1 else ():
        others = tuple(i for i in range(q.ndim) if i != axis)
        pooled = pooled * (q.mean(axis=others, keepdims=True) / mean)
    return np.asarray(top * np.sqrt((q + 4 * pooled) / 5))


def rms(samples: Array) -> Array:
    """Root mean square over the first axis; each element scaled by its largest sample, against over- and underflow."""
    top = np.abs(samples).max(axis=0, initial=0.0)
    unit = np.where((top > 0) & np.isfinite(top), top, 1.0)
    return np.asarray(unit * np.sqrt(np.square(samples / unit).mean(axis=0)))


def moved_parameters(
    parameters: Mapping[str, Array], k: int, keep_zeros: bool = False, shift: float = SHIFT
) -> dict[str, Array]:
    """Float64 parameters moved by ``shift`` of each tensor's rms, up or down; the k-th such point."""
    rng = np.random.default_rng(k)
    moved = {}
    for name, value in parameters.items():
        scale = np.asarray(rms(value.reshape(-1)))
        step = shift * (float(scale) or 1.0) * rng.choice([-1.0, 1.0], value.shape)
        moved[name] = value + (step * (value != 0) if keep_zeros else step)
    return moved


def moved_inputs(x: Array, k: int) -> Array:
    """Float64 inputs moved by 2^-20 of the smallest of |x| and its standard deviations along the axes; zeros stay.

    (A year is 2020 +- 5: moving it by 2^-20 of 2020 would be another experiment.)
    """
    scale = np.abs(x)
    for axis in range(x.ndim):
        spread = x.std(axis=axis, keepdims=True)
        scale = np.where((spread > 0) & (x != 0), np.minimum(scale, spread), scale)
    sign = np.random.default_rng(1000 + k).choice([-1.0, 1.0], x.shape)
    return np.asarray(x + SHIFT * scale * sign)
