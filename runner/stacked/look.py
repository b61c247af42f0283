"""The first look at many replicas at once, without a loop over them: each function is that of one run, row by row.

A row that it does not cover (it may be right nonetheless) is told as such, to be judged alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import COARSE, LIMIT, SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from runner.comparison.looks import SMALLEST_NORMAL_SINGLE
from runner.comparison.rounding import NEAR_ONE
from runner.comparison.sides import HIGH
from runner.comparison.tensors import Layout

AT_ONCE = 2**15
"""Numbers that are looked at at once."""

TOO_LARGE = 1e280
"""A squared norm from its reciprocal to this is that of a norm that needs no scaling."""


@dataclass(frozen=True)
class Looked:
    """What the first look finds of one backend, for each replica.

    Attributes:
        agrees: Whether it acquits the replica, (replicas,); nothing else counts of a replica that it does not.
        max_abs: The largest deviation from the reference in the run's dtype, (replicas, tensors).
        max_rel: The largest deviation as a part of the larger of both values, (replicas, tensors).
        rms: The root mean square of the deviations, (replicas, tensors).
        roundings: The worst roundings in the run's dtype, (replicas, tensors).
        logic_max_abs, logic_roundings: The same in float64.
        error, reference_error: Each side's largest distance from its own float64 twin, (replicas, tensors).
    """

    agrees: Array
    max_abs: Array
    max_rel: Array
    rms: Array
    roundings: Array
    logic_max_abs: Array
    logic_roundings: Array
    error: Array
    reference_error: Array

    def only(self, known: Array) -> Looked:
        """The same, and nobody acquitted but those that are ``known``, (replicas,)."""
        return replace(self, agrees=self.agrees & known)

    def put(self, rows: Array | slice, other: Looked) -> None:
        """Takes what was found of these rows from ``other``."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)


@dataclass(frozen=True)
class Pair:
    """One backend and the reference: what the run gave, and what the twins give in float64, (replicas, size) each."""

    run: Array
    run_reference: Array
    high: Array
    reference: Array

    def rows(self, rows: Array | slice) -> Pair:
        """Those of some replicas."""
        return Pair(self.run[rows], self.run_reference[rows], self.high[rows], self.reference[rows])


def look(layout: Layout, pair: Pair, sides: Sequence[tuple[Array, Array]], dtype: np.dtype[Any]) -> Looked:
    """The first look at ``pair``; ``sides`` are what ``sigma_of_two_precisions`` takes, none where sigma is to be 0.

    Some rows at once, so that all arrays stay in the cache of a core: row replicas of docs/performance.md.
    """
    found = nothing_found(len(pair.run), layout)
    at_once = max(1, AT_ONCE // layout.size)
    for begin in range(0, len(pair.run), at_once):
        rows = slice(begin, begin + at_once)
        if sides:
            sigma, known = sigma_of_two_precisions(layout, [(low[rows], high[rows]) for low, high in sides])
            found.put(rows, first_look(layout, pair.rows(rows), sigma, dtype).only(known))
        else:
            found.put(rows, first_look(layout, pair.rows(rows), None, dtype))
    return found


def nothing_found(replicas: int, layout: Layout) -> Looked:
    """Nobody acquitted, and nothing known."""
    return Looked(np.zeros(replicas, bool), *(np.full((replicas, len(layout.names)), np.nan) for _ in range(8)))


def first_look(layout: Layout, pair: Pair, sigma: Array | None, dtype: np.dtype[Any]) -> Looked:
    """``pair`` held against each other in units of the first look's ``sigma`` (replicas, size), in float32's unit.

    None stands for 0: a value's own last digits explain all. The run is in ``dtype``, float32 or float64.
    """
    single = dtype != HIGH
    with np.errstate(all="ignore"):
        size = np.abs(pair.reference)
        d = np.abs(pair.high - pair.reference)
        own = size * UNIT_ROUNDOFF[HIGH.name]
        own += SMALLEST_SUBNORMAL[HIGH.name]
        agrees = np.isfinite(d).all(axis=1)
        unit = own
        if sigma is not None:
            high_sigma = sigma * (UNIT_ROUNDOFF[HIGH.name] / UNIT_ROUNDOFF["float32"])
            high_sigma[size < SMALLEST_NORMAL_SINGLE] = 0.0  # what underflows in float32 shows no rounding there
            agrees &= ~((size < LIMIT / COARSE * high_sigma) & (d > LIMIT * own)).any(axis=1)
            unit = np.add(own, high_sigma, out=high_sigma)
        logic_roundings = by_tensor(layout, d / unit)
        agrees &= logic_roundings.max(axis=1) <= LIMIT
        logic_max_abs = by_tensor(layout, d)
        error = np.abs(pair.run - pair.high)
        if single:
            unit = np.multiply(size, UNIT_ROUNDOFF[dtype.name], out=size)
            unit += SMALLEST_SUBNORMAL[dtype.name]
            if sigma is not None:
                unit += sigma
            np.subtract(pair.run, pair.reference, out=d)
            np.abs(d, out=d)
            roundings = by_tensor(layout, np.divide(d, unit, out=d))
            agrees &= roundings.max(axis=1) <= LIMIT
        else:  # the twin must give what the run gave
            roundings = logic_roundings
            agrees &= (error <= LIMIT * unit).all(axis=1)
        return Looked(
            agrees,
            *_deviations(layout, pair.run, pair.run_reference),
            roundings=roundings,
            logic_max_abs=logic_max_abs,
            logic_roundings=logic_roundings,
            error=by_tensor(layout, error),
            reference_error=by_tensor(layout, np.abs(pair.run_reference - pair.reference)),
        )


def unjudged(layout: Layout, run: Array, reference: Array) -> Looked:
    """What is known of a step that is not judged: its deviations; who is finite needs no judgement of its own."""
    with np.errstate(all="ignore"):
        finite = np.asarray(np.isfinite(run).all(axis=1) & np.isfinite(reference).all(axis=1))
        max_abs, max_rel, rms = _deviations(layout, run, reference)
    return replace(nothing_found(len(run), layout), agrees=finite, max_abs=max_abs, max_rel=max_rel, rms=rms)


def _deviations(layout: Layout, run: Array, reference: Array) -> tuple[Array, Array, Array]:
    """``max_abs``, ``max_rel`` and ``rms`` of what the run gave."""
    d = np.abs(run - reference)
    max_abs = by_tensor(layout, d)
    scale = np.abs(reference)
    np.maximum(np.abs(run), scale, out=scale)
    np.maximum(scale, SMALLEST_SUBNORMAL[HIGH.name], out=scale)  # 0 / 0 is no deviation
    max_rel = by_tensor(layout, np.divide(d, scale, out=scale))
    sizes = np.diff(layout.starts, append=layout.size)
    rms = np.sqrt(np.add.reduceat(np.square(d, out=d), layout.starts, axis=1) / sizes)
    return max_abs, max_rel, rms


def by_tensor(layout: Layout, values: Array) -> Array:
    """The largest of each tensor's part of ``values`` (replicas, size), (replicas, tensors)."""
    return np.maximum.reduceat(values, layout.starts, axis=1)


def sigma_of_two_precisions(layout: Layout, sides: Iterable[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The first look's sigma in float32's unit, (replicas, size), and whether it is known, (replicas,).

    ``sides`` are the reference's and the library's tensors in float32 and in float64, (replicas, size) each.
    """
    with np.errstate(all="ignore"):
        found = [_squares(layout, low, high) for low, high in sides]
        squares = reduce(np.add, [smooth for smooth, _ in found])
        squares /= 5
        return np.sqrt(squares, out=squares), np.logical_and.reduce([known for _, known in found])


def _squares(layout: Layout, low: Array, high: Array) -> tuple[Array, Array]:
    """Five times the square of what ``two_precisions`` gives, and whether squares can tell it, (replicas,)."""
    error = low - high
    known = _kept_digits(error[:, layout.gradients], high[:, layout.gradients])
    np.square(error, out=error)
    top = by_tensor(layout, error)
    known &= ((top == 0) | ((top > NEAR_ONE**2) & (top < 1 / NEAR_ONE**2))).all(axis=1)
    for place, shape in zip(layout.slices().values(), layout.shapes, strict=True):
        _smooth(error[:, place].reshape(-1, *shape))
    return error, known


def _kept_digits(error: Array, high: Array) -> Array:
    """Whether float32 is off by no more than the gradient's own norm, (replicas,), as far as squares can tell."""
    lost, whole = np.vecdot(error, error), np.vecdot(high, high)
    return np.asarray((lost <= whole) & (whole < TOO_LARGE) & ((whole > 1 / TOO_LARGE) | (whole == 0)))


def _smooth(squares: Array) -> None:
    """``smooth`` of each replica's e^2 (replicas, *shape), a view, which becomes e^2 + 4 p; of a single element, 5 e^2.

    p, in sums: the product over the axes of the sums along the other axes, over S^(axes - 1), S being the sum of all.
    """
    axes = tuple(range(1, squares.ndim))
    if squares[0].size == 1:
        squares *= 5
    elif len(axes) == 1:
        squares += np.add.reduce(squares, axis=1, keepdims=True) * (4 / squares.shape[1])
    else:
        sums = [np.add.reduce(squares, axis=tuple(i for i in axes if i != axis), keepdims=True) for axis in axes]
        whole = np.add.reduce(sums[0], axis=1, keepdims=True)
        whole[whole == 0] = 1.0
        sums[0] *= 4
        for margin in sums[1:]:
            margin /= whole
        squares += reduce(np.multiply, sums)
