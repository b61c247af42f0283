"""The three looks at one step's logic, in the point's dtype: is the formula right, or is it rounding?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import (
    COARSE,
    ESCAPES,
    LIMIT,
    NOISE,
    SHIFT,
    SMALLEST_SUBNORMAL,
    SYSTEMATIC,
    UNIT_ROUNDOFF,
)
from runner.comparison.nearby import Scatter, within_noise, within_range
from runner.comparison.point import Point
from runner.comparison.sides import HIGH
from runner.comparison.tensors import BLOCK, Layout

SMALLEST_NORMAL_SINGLE = 2.0**-126
ALIKE = "a small mistake and lost digits look alike"
SWALLOWED = "rounding swallows the gradient, here and at a point nearby: no judgement of the formula is possible"
REFERENCE_LOSES = "the reference loses digits here; with more digits than float64 has the other side is borne out"
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
        tiny = np.abs(g) < SMALLEST_NORMAL_SINGLE
        if point.dtype == HIGH.name and tiny.any():  # what underflows in float32 shows no rounding there
            sigma[tiny] = 0.0
        judged = replace(measured(1, u, g, sigma, point.dtype), point=point)
        if judged.roundings.max() <= LIMIT and not (point.dtype == HIGH.name and _blind(u, g, sigma)):
            return judged
    sigma = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF[point.dtype])
    second = replace(measured(2, u, g, sigma, point.dtype), point=point)
    if swallowed(point.layout, g, sigma):
        return _judge_moved(name, point, second) if given else _undecided(second)
    if second.roundings.max() > LIMIT:
        second, sigma = _at_the_limit(point, second, sigma)
    if second.roundings.max() <= LIMIT:
        return _confirmed(name, point, second, sigma) if given else second
    return _third_look(name, point, replace(second, look=3), given)


def _at_the_limit(point: Point, second: Judged, sigma: Array) -> tuple[Judged, Array]:
    """The second look once more, with noise of 30 roundings and equal values that err apart; and its sigma.

    Where a sum of equal values is to be 0, as beneath a normalisation of saturated units, equal errors cancel; and of
    the square of a gradient that is 0 but for rounding, 30 times the noise makes 900 times as much. Apart, ties part
    too, and a unit may flip: what such a sigma says counts only where it is small beside the gradients.
    """
    fine = COARSE * np.abs(second.g[point.layout.gradients]).max(initial=0.0)
    suspect = second.roundings > LIMIT
    if (np.abs(second.u - second.g)[suspect] > fine).any():
        return second, sigma
    apart = point.sigma_of_noise(LIMIT * NOISE * UNIT_ROUNDOFF[point.dtype], apart=True) / LIMIT
    sigma = np.where(LIMIT * apart <= fine, np.maximum(sigma, apart), sigma)
    return replace(measured(2, second.u, second.g, sigma, point.dtype), point=point), sigma


def _blind(u: Array, g: Array, sigma: Array) -> bool:
    """Whether an element differs by more than its own digits explain, and is too small beside its neighbours to tell.

    The first look's sigma is smoothed over the tensor: it says nothing about an element of which it is a large part.
    """
    for begin in range(0, len(g), BLOCK):
        part = slice(begin, begin + BLOCK)
        size = np.abs(g[part])
        small = size < LIMIT / COARSE * sigma[part]
        if small.any():
            own = UNIT_ROUNDOFF["float64"] * size + SMALLEST_SUBNORMAL["float64"]
            if (small & (np.abs(u[part] - g[part]) > LIMIT * own)).any():
                return True
    return False


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
    there = _judged_elsewhere(name, point, SHIFT)
    if there is None or there.verdict != "mismatch":
        return second
    return replace(there, finding="rounding swallows what is wrong; judged at a point nearby")


def _judged_elsewhere(name: str, point: Point, shift: float) -> Judged | None:
    """Judged at a point that lies ``shift`` away; None where a value is not finite there."""
    moved = point.moved(MOVED, shift=shift)
    if not (np.isfinite(moved.high(name)).all() and np.isfinite(moved.reference).all()):
        return None
    return judge_logic(name, moved, moved.sigma_of_two_precisions({}), given=False)


def _undecided(second: Judged) -> Judged:
    return replace(second, verdict="undecided", finding=SWALLOWED)


def _judge_moved(name: str, point: Point, second: Judged) -> Judged:
    """Judged at a point nearby; if that tells nothing for sure, farther away, where only a mismatch counts then."""
    judged = _undecided(second)
    for shift in ESCAPES:
        there = _judged_elsewhere(name, point, shift)
        if there is None:
            continue
        if there.verdict == "mismatch":
            return there
        if judged.finding == SWALLOWED and there.verdict == "agree":
            words = "rounding swallows the gradient; judged at a point nearby"
            return replace(there, look=max(there.look, 2), finding=words)
        judged = there if judged.finding == SWALLOWED else judged
    return judged


def _third_look(name: str, point: Point, second: Judged, given: bool) -> Judged:
    suspect = second.roundings > LIMIT
    scatter = Scatter(name, point, second.sigma[suspect], suspect)
    systematic, special = scatter.statistics()
    if np.isnan(systematic):
        return replace(second, verdict="undecided", finding="a value is not finite at a point nearby")
    if systematic > SYSTEMATIC:
        if scatter.vanishes_off_zero_inputs() and within_range(name, point, suspect, zero_inputs=True):
            words = "a kink: some inputs are 0 and lie on it, and both values are taken on around it"
            return replace(second, verdict="agree", finding=words)
        return replace(second, verdict="mismatch")
    if scatter.lies_too_far():
        if within_noise(name, point, suspect):
            words = "a kink: it lies within rounding of the given point, and both values are taken on in noisy runs"
            return replace(second, verdict="agree", finding=words)
        return _judge_steep(name, point, second, given)
    if special > SYSTEMATIC:
        if within_range(name, point, suspect):
            words = "a kink: the given point lies on it, and both values are taken on around it"
            return replace(second, verdict="agree", finding=words)
        return replace(second, verdict="mismatch", finding="only at this very point (a kink or a tie), not around it")
    if any((value == 0).any() for value in point.parameters.values()):
        systematic, _ = scatter.statistics(keep_zeros=True)
    if systematic > SYSTEMATIC:
        return replace(second, verdict="mismatch")
    if _is_drowned(point, second, suspect):
        return _judge_moved(name, point, second) if given else _undecided(second)
    words = "the deviation is random around this point: a right formula in lossy arithmetic"
    if _is_exact(point, second, suspect) and not scatter.is_small_and_steady():
        return replace(second, verdict="agree", finding=REFERENCE_LOSES)
    if scatter.is_small_and_steady():
        words = f"the deviation is much the same around this point, but below {SYSTEMATIC:.0f} roundings: {ALIKE}"
    return replace(second, verdict="imprecise", finding=words)


def _is_drowned(point: Point, second: Judged, suspect: Array) -> bool:
    """Whether rounding swallows the gradient, suspects and all, once equal values err apart.

    Where all samples are equal, say, and half of them pull up and half down, all that is left of the sum is rounding.
    """
    apart = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF[point.dtype], apart=True)
    within = np.abs(second.u - second.g)[suspect] <= LIMIT * apart[suspect]
    return bool(within.all()) and swallowed(point.layout, second.g, apart)


def _is_exact(point: Point, second: Judged, suspect: Array) -> bool:
    """Whether the judged side's suspects are what more digits than float64 has make of the formula."""
    if point.exact is None:
        return False
    return bool((np.abs(second.u - point.exact)[suspect] <= LIMIT * second.sigma[suspect]).all())


def _judge_steep(name: str, point: Point, second: Judged, given: bool) -> Judged:
    """Beside a minimum, say, the gradient is no larger than what the moves make of it: judged farther away.

    If no mismatch is found there, nothing is known: what is wrong here need not be wrong there.
    """
    there = _judged_elsewhere(name, point, ESCAPES[-1]) if given else None
    if there is not None and there.verdict == "mismatch":
        return replace(there, finding="the gradient changes too much between points nearby; judged farther away")
    words = f"the gradient changes too much between points nearby: {ALIKE}"
    return replace(second, verdict="undecided", finding=words)
