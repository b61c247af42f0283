"""The three looks at one step's logic, in the point's dtype: is the formula right, or is it rounding?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import (
    ESCAPES,
    KINK_RUNS,
    LIMIT,
    NOISE,
    OPPOSITE_FROM,
    POINTS,
    SHIFT,
    SMALLEST_SUBNORMAL,
    SYSTEMATIC,
    UNIT_ROUNDOFF,
)
from runner.comparison.rounding import rms
from runner.comparison.sides import HIGH, Point
from runner.comparison.tensors import Layout

SMALLEST_NORMAL_SINGLE = 2.0**-126
MOVED = 999
"""The point that is judged where rounding swallows the gradient at the given one."""


@dataclass(frozen=True)
class Judged:
    """What the looks found of one side at one point, in one precision.

    Attributes:
        verdict: agree, imprecise, mismatch, undecided.
        look: The last look taken.
        u: The side's tensors where it was judged, (layout.size,).
        g: The reference's.
        roundings: |u - g| / sigma of every element, of the last of the first two looks.
        sigma: Its unit: one rounding, with a unit roundoff of the value and the smallest subnormal.
        finding: What else there is to say, in words; empty where nothing is.
        point: Where it was judged, if by its logic.
    """

    verdict: str
    look: int
    u: Array
    g: Array
    roundings: Array
    sigma: Array
    finding: str = ""
    point: Point | None = None


def measured(look: int, u: Array, g: Array, sigma: Array, dtype: str) -> Judged:
    """``u`` held against ``g``, in roundings of sigma, a unit roundoff of the value, and the smallest subnormal."""
    with np.errstate(all="ignore"):
        unit = np.abs(g)
        np.multiply(unit, UNIT_ROUNDOFF[dtype], out=unit)
        np.add(unit, sigma, out=unit)
        np.add(unit, SMALLEST_SUBNORMAL[dtype], out=unit)
        q = np.subtract(u, g)
        np.abs(q, out=q)
        np.divide(q, unit, out=q)
        if not np.isfinite(q.max(initial=0.0)):
            q = np.where(u == g, 0.0, np.nan_to_num(q, nan=np.inf, posinf=np.inf))
    return Judged("agree", look, u, g, q, unit)


def judge_logic(name: str, point: Point, first: Array | None, given: bool = True) -> Judged:
    """Judges the side ``name`` against the reference at ``point``.

    ``first`` is the first look's sigma in float32's unit, None where that look is void. ``given`` is False at the
    moved point that stands in for one where rounding swallows the gradient.
    """
    u, g = point.high(name), point.reference
    if first is not None:
        sigma = UNIT_ROUNDOFF[point.dtype] / UNIT_ROUNDOFF["float32"] * first
        if point.dtype == HIGH.name:  # what underflows in float32 shows no rounding there
            sigma[np.abs(g) < SMALLEST_NORMAL_SINGLE] = 0.0
        judged = replace(measured(1, u, g, sigma, point.dtype), point=point)
        if judged.roundings.max() <= LIMIT:
            return judged
    sigma = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF[point.dtype])
    second = replace(measured(2, u, g, sigma, point.dtype), point=point)
    if swallowed(point.layout, g, sigma):
        return _judge_moved(name, point, second) if given else _undecided(second)
    if second.roundings.max() <= LIMIT:
        return _confirmed(name, point, second, sigma) if given else second
    return _third_look(name, point, replace(second, look=3))


def swallowed(layout: Layout, g: Array, sigma: Array) -> bool:
    """Whether sigma reaches 1/30 of the gradient over more than half of its squared norm."""
    gradient, sigma = g[layout.gradients], sigma[layout.gradients]
    top = np.abs(gradient).max() or 1.0
    squares = np.square(gradient / top)
    return bool(squares[np.abs(gradient) < LIMIT * sigma].sum() > 0.5 * squares.sum())


def _confirmed(name: str, point: Point, second: Judged, sigma: Array) -> Judged:
    """An element that rounding swallows is acquitted by nothing but that: a mistake in it shows at a point nearby."""
    u, g = second.u, second.g
    plain = measured(2, u, g, np.zeros_like(g), point.dtype).roundings
    if not ((np.abs(g) < LIMIT * sigma) & (plain > LIMIT)).any():
        return second
    moved = point.moved(MOVED)
    if not (np.isfinite(moved.high(name)).all() and np.isfinite(moved.reference).all()):
        return second
    there = judge_logic(name, moved, moved.sigma_of_two_precisions({}), given=False)
    if there.verdict != "mismatch":
        return second
    return replace(there, finding="rounding swallows what is wrong; judged at a point nearby")


def _undecided(second: Judged) -> Judged:
    words = "rounding swallows the gradient, here and at a point nearby: no judgement of the formula is possible"
    return replace(second, verdict="undecided", finding=words)


def _judge_moved(name: str, point: Point, second: Judged) -> Judged:
    judged = _undecided(second)
    for shift in ESCAPES:
        moved = point.moved(MOVED, shift=shift)
        if not (np.isfinite(moved.high(name)).all() and np.isfinite(moved.reference).all()):
            continue
        there = judge_logic(name, moved, moved.sigma_of_two_precisions({}), given=False)
        if there.verdict == "agree":
            words = "rounding swallows the gradient; judged at a point nearby"
            return replace(there, look=max(there.look, 2), finding=words)
        judged = there
        if there.verdict == "mismatch":
            break
    return judged


def _third_look(name: str, point: Point, second: Judged) -> Judged:
    suspect = second.roundings > LIMIT
    scatter = _Scatter(name, point, second.sigma[suspect], suspect)
    systematic, special = scatter.statistics()
    if np.isnan(systematic):
        return replace(second, verdict="undecided", finding="a value is not finite at a point nearby")
    if systematic > SYSTEMATIC:
        if scatter.vanishes_off_zero_inputs() and _within_range(name, point, suspect, zero_inputs=True):
            words = "a kink: some inputs are 0 and lie on it, and both values are taken on around it"
            return replace(second, verdict="agree", finding=words)
        return replace(second, verdict="mismatch")
    if special > SYSTEMATIC:
        if _within_range(name, point, suspect):
            words = "a kink: the given point lies on it, and both values are taken on around it"
            return replace(second, verdict="agree", finding=words)
        return replace(second, verdict="mismatch", finding="only at this very point (a kink or a tie), not around it")
    if any((value == 0).any() for value in point.parameters.values()):
        systematic, _ = scatter.statistics(keep_zeros=True)
    if systematic > SYSTEMATIC:
        return replace(second, verdict="mismatch")
    words = "the deviation is random around this point: a right formula in lossy arithmetic"
    return replace(second, verdict="imprecise", finding=words)


@dataclass(frozen=True)
class _Scatter:
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


def _within_range(name: str, point: Point, suspect: Array, zero_inputs: bool = False) -> bool:
    """Whether the suspect values lie within what the library takes on around the point, widened by half of it.

    Around it are points nearby and noisy runs; if the kink lies at inputs that are 0, points where these have moved.
    """
    u, low = point.high(name)[suspect], point.reference[suspect]
    high = low
    for k in range(KINK_RUNS):
        found = [point.moved(k, zeros=zero_inputs).library[suspect]]
        if not zero_inputs:
            found.append(point.noisy(NOISE * UNIT_ROUNDOFF[point.dtype], k + 1, near_zero=True)[suspect])
        low, high = np.minimum.reduce([low, *found]), np.maximum.reduce([high, *found])
    margin = 0.5 * (high - low)
    return bool(((u >= low - margin) & (u <= high + margin)).all())
