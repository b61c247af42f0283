"""Rounding, measured: from two precisions, from noisy arithmetic (noisy.py), and the points nearby."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import SHIFT, SMALLEST_SUBNORMAL
from runner.comparison.noisy import NoisyArray, empty_noisy, noise
from runner.comparison.tensors import BLOCK, Layout, gather

__all__ = [
    "NoisyArray",
    "empty_noisy",
    "moved_inputs",
    "moved_parameters",
    "noise",
    "norm",
    "own_errors",
    "rms",
    "smooth",
    "two_precisions",
]

NEAR_ONE = 1e-30
"""Errors from this to its reciprocal are squared as they are: what is 1e-120 of them still counts."""


def two_precisions(layout: Layout, sides: Sequence[tuple[Array, Array]]) -> Array | None:
    """The first look's sigma in float32's unit, (layout.size,): that of every side, added in squares.

    ``sides`` are steps in float32 and the same in float64. None where float32 kept nothing of one of them: it is not
    finite, or off by more than the gradient's own norm.
    """
    with np.errstate(all="ignore"):
        errors = _errors(sides)
        for error, (_, high) in zip(errors, sides, strict=True):
            if norm(error[layout.gradients]) > norm(high[layout.gradients]):
                return None
        return smooth(layout, errors)


def own_errors(layout: Layout, sides: Sequence[tuple[Array, Array]]) -> Array | None:
    """What a narrow dtype makes sides err by, (layout.size,), from steps in it and the same in float64, in squares.

    Their difference is one sample of its rounding; it is smoothed over each tensor, since a sample can be 0 by chance.
    A side that is not finite in the narrow dtype does not count. None where none is.
    """
    with np.errstate(all="ignore"):
        errors = _errors(sides)
        return smooth(layout, errors[np.isfinite(errors).all(axis=1)])


def _errors(sides: Sequence[tuple[Array, Array]]) -> Array:
    """(sides, size)."""
    errors = np.empty((len(sides), len(sides[0][0])))
    for error, (low, high) in zip(errors, sides, strict=True):
        np.subtract(low, high, out=error)
    return errors


def smooth(layout: Layout, errors: Array) -> Array | None:
    """Sigma of every element, (size,), from one sample a side of each, (sides, size), which is overwritten.

    The root of the sum over the sides of (e^2 + 4 p) / 5. p is the product over a tensor's axes of the sums of e^2
    along the other axes, over S^(axes - 1), S being the sum of all: a gradient is a sum of outer products, so that e^2
    is close to a product of its margins. A vector pools to its mean, a single element keeps e^2. None where one is not
    finite, or there is no side.

    Over all sides at once, and all tensors or pieces that stay in a core's cache where that can be: rows judged_step
    and gradcheck of benchmarks/tables.py.
    """
    if not len(errors):
        return None
    scales = _square(layout, errors)
    for place, shape in zip(layout.places, layout.shapes, strict=True):
        _pool(errors[:, place].reshape(len(errors), *(shape or (1,))))
    sigma, others = errors[0], errors[1:]
    for begin in range(0, layout.size, BLOCK):
        part = sigma[begin : begin + BLOCK]
        for other in others:
            np.add(part, other[begin : begin + BLOCK], out=part)
        np.multiply(part, 1 / 5, out=part)
        np.sqrt(part, out=part)
    if scales is not None:
        np.multiply(sigma, scales, out=sigma)
    return sigma if np.isfinite(np.maximum.reduce(sigma)) else None


def _square(layout: Layout, errors: Array) -> Array | None:
    """Squares them, and gives what they were divided by before, (size,), if squares might have left the range."""
    top = np.zeros(len(layout.names))
    for block in layout.blocks:
        part = errors[:, block.place]
        np.abs(part, out=part)
        gather(np.maximum, top, np.maximum.reduce(part), block)
    scales = None
    if not (((top > NEAR_ONE) & (top < 1 / NEAR_ONE)) | (top == 0)).all():
        scales = np.repeat(np.where(top == 0, 1.0, top), layout.sizes)
        np.divide(errors, scales, out=errors)
    np.square(errors, out=errors)
    return scales


def _pool(squares: Array) -> None:
    """Makes e^2 + 4 p of e^2, (sides, *shape)."""
    if not squares.size:
        return
    axes = tuple(range(1, squares.ndim))
    if len(axes) == 1:
        np.add(squares, _sums(squares, axes) * (4 / squares.shape[1]), out=squares)
        return
    first, *others = (_sums(squares, axes[:k] + axes[k + 1 :]) for k in range(len(axes)))
    whole = np.maximum(_sums(first, axes), SMALLEST_SUBNORMAL["float64"])
    first = 4 * first
    for other in others:
        np.divide(other, whole, out=other)
    rows = max(1, BLOCK // squares[:, :1].size)
    for begin in range(0, squares.shape[1], rows):
        part = squares[:, begin : begin + rows]
        np.add(part, reduce(np.multiply, others, first[:, begin : begin + rows]), out=part)


def _sums(values: Array, axes: tuple[int, ...]) -> Array:
    """Their sums along ``axes``, which are kept."""
    return np.asarray(np.add.reduce(values, axis=axes, keepdims=True))


def norm(values: Array) -> float:
    """The Euclidean norm, scaled where squares leave the range."""
    norm = float(np.sqrt(np.dot(values, values)))
    if 1e-140 < norm < 1e140:
        return norm
    top = float(np.abs(values).max(initial=0.0))
    return top * float(np.linalg.norm(values / top)) if 0 < top < np.inf else top


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
