"""The first look at many replicas at once, without a loop over them: each function is that of one run, row by row.

A row that it does not cover (it may be right nonetheless) is told as such, to be judged alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import COARSE, LIMIT, SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from runner.comparison.deviation import Deviation
from runner.comparison.looks import SMALLEST_NORMAL_SINGLE
from runner.comparison.results import Worst
from runner.comparison.rounding import NEAR_ONE
from runner.comparison.sides import HIGH
from runner.comparison.tensors import Layout
from runner.stacked.looked import Detail, Looked, Pair, by_tensor, largest_of, nothing_found, worst_of

AT_ONCE = 2**16
"""Numbers that are looked at at once."""

TOO_LARGE = 1e280
"""A squared norm from its reciprocal to this is that of a norm that needs no scaling."""


def look(
    layout: Layout,
    pair: Pair,
    sides: Sequence[tuple[Array, Array]],
    dtype: np.dtype[Any],
    detail: Detail = Detail.VERDICT,
) -> Looked:
    """The first look at ``pair``, of a run in ``dtype``, float32 or float64.

    ``sides`` are the reference's and the library's tensors in float32 and in float64, (replicas, size) each: sigma is
    measured on them. Where there are none it is 0: a value's own last digits may explain all.

    Some rows at once, over arrays made once, which stay in the cache of a core: row replicas of benchmarks/tables.py.
    """
    found, at_once = nothing_found(len(pair.run), layout), max(1, AT_ONCE // layout.size)
    room = (np.empty(pair.run.shape), np.empty(pair.run.shape)) if detail == Detail.ELEMENTS else None
    work = np.empty((5 + len(sides), min(at_once, len(pair.run)), layout.size))
    with np.errstate(all="ignore"):
        for begin in range(0, len(pair.run), at_once):
            rows = slice(begin, begin + at_once)
            part = pair.rows(rows)
            mine = work[:, : len(part.run)]
            kept = None if room is None else (room[0][rows], room[1][rows])
            if sides:
                lows_and_highs = [(low[rows], high[rows]) for low, high in sides]
                sigma, known = sigma_of_two_precisions(layout, lows_and_highs, mine[5:])
                found.put(rows, _first_look(layout, part, sigma, dtype, mine, detail, kept).only(known))
            else:
                found.put(rows, _first_look(layout, part, None, dtype, mine, detail, kept))
    return replace(found, elements=room)


def _first_look(
    layout: Layout,
    pair: Pair,
    sigma: Array | None,
    dtype: np.dtype[Any],
    work: Array,
    detail: Detail,
    elements: tuple[Array, Array] | None,
) -> Looked:
    """In units of ``sigma`` (replicas, size), in float32's unit, None for 0; ``work`` (5, replicas, size) at least.

    The roundings of every element are written into ``elements``, those of the logic and of the precision.
    """
    size, d, own, unit, other = work[:5]
    logic_deviation = _deviations(layout, pair.high, pair.reference, work, detail)
    np.abs(pair.reference, out=size)
    _distance(pair.high, pair.reference, d)
    agrees = np.isfinite(logic_deviation.max_abs).all(axis=1)
    np.multiply(size, UNIT_ROUNDOFF[HIGH.name], out=own)
    np.add(own, SMALLEST_SUBNORMAL[HIGH.name], out=own)
    if sigma is None:
        unit = own
    else:
        np.multiply(sigma, UNIT_ROUNDOFF[HIGH.name] / UNIT_ROUNDOFF["float32"], out=unit)
        np.copyto(unit, 0.0, where=size < SMALLEST_NORMAL_SINGLE)  # what underflows in float32 shows no rounding there
        coarse = size < np.multiply(unit, LIMIT / COARSE, out=other)
        agrees &= ~(coarse & (d > np.multiply(own, LIMIT, out=other))).any(axis=1)
        np.add(own, unit, out=unit)
    logic = precision = _worst(layout, np.divide(d, unit, out=d), pair.high, pair.reference, unit, detail)
    agrees &= logic.roundings.max(axis=1) <= LIMIT
    if elements is not None:
        elements[0][...] = elements[1][...] = d
    error = _distance(pair.run, pair.high, d)
    largest_error = by_tensor(layout, error)
    if dtype == HIGH:  # the twin must give what the run gave
        agrees &= (error <= np.multiply(unit, LIMIT, out=other)).all(axis=1)
    else:
        np.multiply(size, UNIT_ROUNDOFF[dtype.name], out=unit)
        np.add(unit, SMALLEST_SUBNORMAL[dtype.name], out=unit)
        if sigma is not None:
            np.add(unit, sigma, out=unit)
        np.divide(_distance(pair.run, pair.reference, other), unit, out=other)
        precision = _worst(layout, other, pair.run, pair.reference, unit, detail)
        agrees &= precision.roundings.max(axis=1) <= LIMIT
        if elements is not None:
            elements[1][...] = other
    reference_error = by_tensor(layout, _distance(pair.run_reference, pair.reference, d))
    deviation = _deviations(layout, pair.run, pair.run_reference, work, detail)
    return Looked(agrees, deviation, precision, logic_deviation, logic, largest_error, reference_error)


def _worst(layout: Layout, roundings: Array, u: Array, g: Array, unit: Array, detail: Detail) -> Worst:
    return worst_of(layout, roundings, u, g, unit) if detail > Detail.VERDICT else largest_of(layout, roundings)


def _distance(a: Array, b: Array, out: Array) -> Array:
    """|a - b|."""
    return np.abs(np.subtract(a, b, out=out), out=out)


def unjudged(layout: Layout, run: Array, reference: Array) -> Looked:
    """What is known of a step that is not judged: its deviations; who is finite needs no judgement of its own."""
    with np.errstate(all="ignore"):
        finite = np.asarray(np.isfinite(run).all(axis=1) & np.isfinite(reference).all(axis=1))
        work = np.empty((3, *run.shape))
        deviation = _deviations(layout, run, reference, work, Detail.WORST)
        worst = worst_of(layout, _distance(run, reference, work[0]), run, reference)
    return replace(nothing_found(len(run), layout), agrees=finite, deviation=deviation, precision=worst)


def _deviations(layout: Layout, u: Array, g: Array, work: Array, detail: Detail) -> Deviation:
    """How far ``u`` is from ``g``, (replicas, tensors) each; ``work`` (3, replicas, size) at least."""
    d, other, third = work[:3]
    max_abs = by_tensor(layout, _distance(u, g, d))
    if detail == Detail.VERDICT:
        unknown = np.full(max_abs.shape, np.nan)
        return Deviation(max_abs, unknown, unknown)
    rms = np.sqrt(np.add.reduceat(np.square(d, out=other), layout.starts, axis=1) / layout.sizes)
    np.maximum(np.abs(u, out=other), np.abs(g, out=third), out=other)
    np.maximum(other, SMALLEST_SUBNORMAL[HIGH.name], out=other)  # 0 / 0 is no deviation
    return Deviation(max_abs, by_tensor(layout, np.divide(d, other, out=d)), rms)


def sigma_of_two_precisions(layout: Layout, sides: Sequence[tuple[Array, Array]], work: Array) -> tuple[Array, Array]:
    """The first look's sigma in float32's unit, (replicas, size), and whether it is known, (replicas,).

    ``sides`` are the reference's and the library's tensors in float32 and in float64, (replicas, size) each; sigma is a
    part of ``work`` (sides, replicas, size).
    """
    known = [_squares(layout, low, high, error) for (low, high), error in zip(sides, work, strict=True)]
    squares = reduce(lambda a, b: np.add(a, b, out=a), work)
    np.multiply(squares, 0.2, out=squares)
    return np.sqrt(squares, out=squares), np.logical_and.reduce(known)


def _squares(layout: Layout, low: Array, high: Array, error: Array) -> Array:
    """Into ``error``, five times the square of what ``two_precisions`` gives; whether that is known, (replicas,)."""
    np.subtract(low, high, out=error)
    known = _kept_digits(error[:, layout.gradients], high[:, layout.gradients])
    np.square(error, out=error)
    top = by_tensor(layout, error)
    known &= ((top == 0) | ((top > NEAR_ONE**2) & (top < 1 / NEAR_ONE**2))).all(axis=1)
    for place, shape in zip(layout.places, layout.shapes, strict=True):
        _smooth(error[:, place].reshape(-1, *shape))
    return known


def _kept_digits(error: Array, high: Array) -> Array:
    """Whether float32 is off by no more than the gradient's own norm, (replicas,), as far as squares can tell."""
    lost, whole = np.vecdot(error, error), np.vecdot(high, high)
    return np.asarray((lost <= whole) & (whole < TOO_LARGE) & ((whole > 1 / TOO_LARGE) | (whole == 0)))


def _smooth(squares: Array) -> None:
    """``smooth`` of each replica's e^2 (replicas, *shape), a view, which becomes e^2 + 4 p; of a single element, 5 e^2.

    p, in sums: the product over the axes of the sums along the other axes, over S^(axes - 1), S being the sum of all.
    """
    axes = range(1, squares.ndim)
    if squares[0].size == 1:
        squares *= 5
    elif len(axes) == 1:
        squares += np.add.reduce(squares, axis=1, keepdims=True) * (4 / squares.shape[1])
    else:  # einsum sums short axes four times as fast as add.reduce does: row replicas of benchmarks/tables.py
        sums = [np.einsum(squares, [0, *axes], [0, axis]) for axis in axes]
        whole = np.add.reduce(sums[0], axis=1, keepdims=True)
        whole[whole == 0] = 1.0
        sums[0] *= 4
        for margin in sums[1:]:
            margin /= whole
        operands = [part for axis, margin in zip(axes, sums, strict=True) for part in (margin, [0, axis])]
        squares += np.einsum(*operands, [0, *axes])
