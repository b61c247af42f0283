"""Rounding, measured: from two precisions, from noisy arithmetic (noisy.py), and the points nearby."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import SHIFT
from runner.comparison.noisy import NoisyArray, empty_noisy, noise
from runner.comparison.tensors import BLOCK, Layout

__all__ = [
    "NoisyArray",
    "empty_noisy",
    "in_squares",
    "moved_inputs",
    "moved_parameters",
    "noise",
    "norm",
    "own_error",
    "rms",
    "smooth",
    "two_precisions",
]

NEAR_ONE = 1e-30
"""Errors from this to its reciprocal are squared as they are: what is 1e-120 of them still counts."""


def two_precisions(layout: Layout, low: Array, high: Array) -> Array | None:
    """The first look's sigma in float32's unit, (layout.size,), from a step in float32 and the same in float64.

    None where float32 kept nothing: it is not finite, or off by more than the gradient's own norm.
    """
    with np.errstate(all="ignore"):
        error = low - high
        if norm(error[layout.gradients]) > norm(high[layout.gradients]):
            return None
        return _smoothed(layout, error)


def own_error(layout: Layout, low: Array, high: Array) -> Array | None:
    """What a narrow dtype makes a step err by, (layout.size,), from the step in it and the same in float64.

    Their difference is one sample of its rounding; it is smoothed over each tensor, since a sample can be 0 by chance.
    None where the narrow one is not finite.
    """
    with np.errstate(all="ignore"):
        return _smoothed(layout, low - high)


def _smoothed(layout: Layout, error: Array) -> Array | None:
    """Each tensor of ``error`` smoothed, in its place; None where it is not finite."""
    for place, shape in zip(layout.slices().values(), layout.shapes, strict=True):
        smooth(error[place].reshape(shape))
    return error if np.isfinite(error.max(initial=0.0)) else None


def norm(values: Array) -> float:
    """The Euclidean norm, scaled where squares leave the range."""
    norm = float(np.sqrt(np.dot(values, values)))
    if 1e-140 < norm < 1e140:
        return norm
    top = float(np.abs(values).max(initial=0.0))
    return top * float(np.linalg.norm(values / top)) if 0 < top < np.inf else top


def smooth(error: Array) -> Array:
    """Sigma of every element from one sample of each, which is overwritten: sqrt((e^2 + 4 p) / 5).

    p is the product over the axes of the mean of e^2 along the other axes, over m^(axes - 1), m being the mean of
    e^2: a gradient is a sum of outer products, so that e^2 is close to a product of its margins. A vector pools to m,
    a single element keeps e^2. Scaled by the maximum where squares might leave the range.
    """
    np.abs(error, out=error)
    top = float(error.max(initial=0.0))
    if top == 0 or error.size == 1:
        return error
    scale = 1.0 if NEAR_ONE < top < 1 / NEAR_ONE else top
    if scale != 1.0:
        np.divide(error, scale, out=error)
    np.square(error, out=error)
    mean = error.mean()
    margins = [mean] if error.ndim < 2 else [_margin(error, axis) / mean for axis in range(1, error.ndim)]
    first = np.broadcast_to(4 * (1.0 if error.ndim < 2 else _margin(error, 0)), (len(error), *[1] * (error.ndim - 1)))
    rows = max(1, BLOCK * len(error) // error.size)
    for begin in range(0, len(error), rows):
        part = error[begin : begin + rows]
        np.add(part, reduce(np.multiply, margins, first[begin : begin + rows]), out=part)
        np.sqrt(part, out=part)
        np.multiply(part, scale / np.sqrt(5), out=part)
    return error


def _margin(squares: Array, axis: int) -> Array:
    """Their mean along all other axes, which are kept."""
    return np.asarray(squares.mean(axis=tuple(i for i in range(squares.ndim) if i != axis), keepdims=True))


def in_squares(a: Array, b: Array) -> Array:
    """sqrt(a^2 + b^2) of what is not negative, both overwritten; scaled by the largest: four times as fast as hypot."""
    top = max(a.max(initial=0.0), b.max(initial=0.0)) or 1.0
    for begin in range(0, len(a), BLOCK):
        x, y = a[begin : begin + BLOCK], b[begin : begin + BLOCK]
        for value in (x, y):
            np.divide(value, top, out=value)
            np.square(value, out=value)
        np.add(x, y, out=x)
        np.sqrt(x, out=x)
        np.multiply(x, top, out=x)
    return a


def rms(samples: Array) -> Array:
    """Root mean square over the first axis; each element scaled by its largest sample, against over- and underflow."""
    top = np.abs(samples).max(axis=0, initial=0.0)
    unit = np.where((top > 0) & np.isfinite(top), top, 1.0)
    return np.asarray(unit * np.sqrt(np.square(samples / unit).mean(axis=0)))


def moved_parameters(
    parameters: Mapping[str, Array],
    k: int,
    keep_zeros: bool = False,
    shift: float = SHIFT,
    sizes: Mapping[str, float] | None = None,
) -> dict[str, Array]:
    """Float64 parameters moved by up to ``shift`` of each tensor's rms, up or down; the k-th such point.

    With ``-shift`` it is the point opposite.
    """
    rng = np.random.default_rng(k)
    moved = {}
    for name, value in parameters.items():
        scale = np.asarray(rms(value.reshape(-1)))
        step = shift * (float(scale) or (sizes or {}).get(name, 1.0)) * _signs(rng, value)
        moved[name] = value + (step * (value != 0) if keep_zeros else step)
    return moved


def moved_inputs(x: Array, k: int, shift: float = SHIFT, zeros: bool = False) -> Array:
    """Float64 inputs moved by up to 2^-20 of the smallest of |x| and its standard deviations along the axes.

    Zeros stay, or move by the root mean square of all if ``zeros``. (A year is 2020 +- 5: moving it by 2^-20 of 2020
    would be another experiment.) With ``-shift`` it is the point opposite.
    """
    scale = np.abs(x)
    for axis in range(x.ndim):
        spread = x.std(axis=axis, keepdims=True)
        scale = np.where((spread > 0) & (x != 0), np.minimum(scale, spread), scale)
    if zeros:
        scale = np.where(x == 0, float(rms(x.reshape(-1))) or 1.0, scale)
    return np.asarray(x + shift * scale * _signs(np.random.default_rng(1000 + k), x))


def _signs(rng: np.random.Generator, like: Array) -> Array:
    """Plus or minus a half to one: equal values part, and a tie does not stay one."""
    return np.asarray(rng.choice([-1.0, 1.0], like.shape) * rng.uniform(0.5, 1.0, like.shape))
