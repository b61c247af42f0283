"""What the points nearby tell of a deviation, and what values are taken on around a kink."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import (
    CLOSE,
    KINK_RUNS,
    LIMIT,
    NOISE,
    OPPOSITE_FROM,
    POINTS,
    SHIFT,
    STEEP,
    SYSTEMATIC,
    UNIT_ROUNDOFF,
)
from runner.comparison.point import Point
from runner.comparison.rounding import norm, rms


@dataclass(frozen=True)
class Scatter:
    """The suspect elements' deviations at nearby points; ``unit`` is the size of one rounding of each."""

    name: str
    point: Point
    unit: Array
    suspect: Array

    def statistics(self, keep_zeros: bool = False) -> tuple[float, float]:
        """How systematic the deviation is nearby, and how far the given point stands out from those nearby.

        A wrong formula deviates in the same way at all points, rounding at random. The first is |mean| over standard
        deviation, the lesser over moved parameters and over moved inputs too; the second is the deviation at the
        given point over the root mean square of those nearby. NaN where a value nearby is not finite.

        A wrong formula's deviation changes smoothly from point to point. Where that might hide it, opposite points are
        taken too: in the mean of both a linear change cancels, and rounding does not.
        """
        systematic, special = np.inf, 0.0
        here = np.abs(self._deviation(self.point))
        for inputs in (False, True):
            d = self._nearby(inputs, keep_zeros, SHIFT)
            if not np.isfinite(d).all():
                return np.nan, np.nan
            size = rms(d)
            if inputs and (size / np.hypot(here, self.unit)).max() > SYSTEMATIC:
                break  # an index flipped: these points tell nothing
            found = self._steadiness(d)
            if OPPOSITE_FROM < found <= SYSTEMATIC:
                means = (d + self._nearby(inputs, keep_zeros, -SHIFT)) / 2
                found = max(found, self._steadiness(means)) if np.isfinite(means).all() else found
            systematic = min(systematic, found)
            special = max(special, float((here / np.hypot(size, self.unit)).max()))
            if systematic <= SYSTEMATIC:
                break
        return systematic, special

    def lies_too_far(self) -> bool:
        """Whether the suspects change much from here to the points nearby, and hardly closer by: no kink lies here."""
        far, close = (self._change(shift) for shift in (SHIFT, CLOSE))
        return far > STEEP and close < STEEP * far

    def _change(self, shift: float) -> float:
        """How far the reference's suspects are from those at a few points, as a part of their size."""
        here = self.point.reference[self.suspect]
        moved = [self.point.moved(k, shift=shift).reference[self.suspect] for k in range(3)]
        return max(norm(there - here) for there in moved) / (norm(here) or 1.0)

    def is_small_and_steady(self) -> bool:
        """Whether some deviation is the same at all points, but too small to be told from what rounding can do."""
        d = self._nearby(False, False, SHIFT)
        size = np.abs(d.mean(axis=0))
        return bool(((size > OPPOSITE_FROM * d.std(axis=0, ddof=1)) & (size <= SYSTEMATIC * self.unit)).any())

    def vanishes_off_zero_inputs(self) -> bool:
        """Whether the deviation is gone at all points where inputs that are 0 have moved too."""
        points = (self.point.moved(k, zeros=True) for k in range(POINTS))
        return bool((self.point.x == 0).any()) and all(
            (np.abs(self._deviation(point)) <= LIMIT * self.unit).all() for point in points
        )

    def _nearby(self, inputs: bool, keep_zeros: bool, shift: float) -> Array:
        """The suspects' deviations at all nearby points of a kind, (points, suspects)."""
        points = (self.point.moved(k, inputs=inputs, keep_zeros=keep_zeros, shift=shift) for k in range(POINTS))
        return np.array([self._deviation(point) for point in points])

    def _steadiness(self, d: Array) -> float:
        """|mean| over standard deviation and rounding, the largest over the suspects."""
        return float((np.abs(d.mean(axis=0)) / np.hypot(d.std(axis=0, ddof=1), self.unit)).max())

    def _deviation(self, point: Point) -> Array:
        return np.asarray((point.high(self.name) - point.reference)[self.suspect])


def within_range(name: str, point: Point, suspect: Array, zero_inputs: bool = False) -> bool:
    """Whether the suspect values lie within what the library takes on around the point, widened by half of it.

    Around it are points nearby and noisy runs, and all ties up, and down; if the kink lies at inputs that are 0, points
    where these have moved.
    """
    moved = (point.moved(k, zeros=zero_inputs).library for k in range(KINK_RUNS))
    return _within(name, point, suspect, moved if zero_inputs else chain(moved, _noisy(point), point.at_ties()))


def within_noise(name: str, point: Point, suspect: Array) -> bool:
    """The same of noisy runs alone: a kink within rounding that the second look's few runs have not crossed."""
    return _within(name, point, suspect, _noisy(point))


def _noisy(point: Point) -> Iterator[Array]:
    return (point.noisy(NOISE * UNIT_ROUNDOFF[point.dtype], k + 1, near_zero=True) for k in range(KINK_RUNS))


def _within(name: str, point: Point, suspect: Array, found: Iterable[Array]) -> bool:
    u, low = point.high(name)[suspect], point.reference[suspect]
    high = low
    for values in found:
        low, high = np.minimum(low, values[suspect]), np.maximum(high, values[suspect])
    margin = 0.5 * (high - low)
    return bool(((u >= low - margin) & (u <= high + margin)).all())
