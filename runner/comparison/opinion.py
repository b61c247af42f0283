"""A third opinion on a mismatch: the loss itself, by central differences, says which of the two sides is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import LIMIT, UNIT_ROUNDOFF
from runner.comparison.point import Point
from runner.comparison.ridders import SHRINK, Estimate, ridders
from runner.comparison.rounding import rms

LEVELS = 12
"""Steps of the central differences; two losses each."""

FIRST = 2.0**-2
"""The first step, relative to the size of the parameters that move; each next one is SHRINK times smaller."""

SMALL = 2.0**-6
"""The least size of a tensor, relative to the root mean square of all parameters."""

CLEAR = 0.1
"""The error, relative to the difference of the two sides, from which on nothing can be told."""

WHERE = "along the direction in which the two differ most"

FITS, NEGLIGIBLE = 3.0, 1e-4
"""A side fits within so many errors, or within so small a part of the difference of the two sides."""


@dataclass(frozen=True)
class Opinion:
    """What the loss itself says of two gradients, along the direction in which they differ most.

    Attributes:
        right: ``reference``, ``judged``, ``neither`` or ``unknown``.
        words: The same for a reader: one sentence that names both backends and the figures.
        numeric: The derivative by central differences: of the reference's loss, where the two losses differ.
        judged: The judged side's own derivative, v.u with its gradient u and the unit direction v.
        reference: The reference's, v.g.
        error: Estimated error of ``numeric``. NaN, as are the other figures, where there is nothing to tell.
    """

    right: str
    words: str
    numeric: float = np.nan
    judged: float = np.nan
    reference: float = np.nan
    error: float = np.nan


@dataclass(frozen=True)
class _Slope:
    """What one side's loss does along the direction: its derivative, and the gap between that from right and left."""

    derivative: Estimate
    gap: Estimate

    @property
    def error(self) -> float:
        """On a kink the derivative is wrong by up to half of the gap, whatever its estimated error."""
        return max(self.derivative.error, abs(self.gap.value))

    @property
    def kinked(self) -> bool:
        return abs(self.gap.value) > FITS * self.gap.error


@dataclass(frozen=True)
class _Slopes:
    """Of the judged side and of the reference; one and the same for both, if their losses are the ``same``."""

    sides: tuple[_Slope, _Slope]
    same: bool


def third_opinion(point: Point, name: str, suspects: Sequence[str]) -> Opinion:
    """Says whose gradient is right at ``point``: the reference's or that of the side ``name``.

    ``suspects`` are the tensors that differ. The losses move along v = (u - g) / |u - g| over the suspects' gradients:
    there v.u and v.g differ by |u - g|, more than along any other direction. If no gradient is among them, v = g / |g|.
    Each gradient is held against the loss of its own side, and both against the same where the losses agree.
    Takes 24 steps of each side, and as many again before both are called wrong.

    Raises:
        FormError: A step has not the form of one.
    """
    with np.errstate(all="ignore"):
        return _opinion(point, name, suspects)


def _opinion(point: Point, name: str, suspects: Sequence[str]) -> Opinion:
    reference = point.sides.reference
    u, g = point.high(name), point.reference
    places = point.layout.slices()
    wanted = [t for t in point.parameters if t in suspects]
    agreed = bool(suspects) and not wanted  # such gradients are held against the losses along themselves
    apart_in = g if agreed else u - g
    difference = {t: apart_in[places[t]].reshape(point.parameters[t].shape) for t in wanted or point.parameters}
    top = max(float(np.abs(d).max(initial=0.0)) for d in difference.values())
    if not (np.isfinite(u).all() and np.isfinite(g).all() and np.isfinite(top)):
        return Opinion("unknown", f"a value of {name} or {reference} is not finite: no derivative can be told")
    if top == 0:
        return Opinion("unknown", f"the gradients of {name} and {reference} are equal: nothing tells which is right")
    norm = np.sqrt(sum(float(np.square(d / top).sum()) for d in difference.values()))
    direction = {t: d / top / norm for t, d in difference.items()}
    apart = float(top * norm)
    claimed = [float(sum(np.vdot(side[places[t]], v) for t, v in direction.items())) for side in (u, g)]
    found = _slopes(point, (name, reference), direction)
    if found is None or not np.isfinite([apart, *claimed]).all():
        return Opinion("unknown", f"the loss of {name} or {reference} is not finite nearby: no derivative can be told")
    where = "along the gradient, in which they agree" if agreed else WHERE
    opinion = _decided((name, reference), (claimed[0], claimed[1]), found, apart, where)
    if opinion.right == "neither" and _bent(point, (name, reference), direction, apart):
        words = f"{opinion.words}; but the loss has a kink within reach, where more than one gradient can be right"
        return replace(opinion, right="unknown", words=words)
    return opinion


def _bent(point: Point, names: tuple[str, str], direction: dict[str, Array], apart: float) -> bool:
    """Whether another direction, drawn from this one, shows a kink: where many units turn at once, gaps can cancel."""
    rng = np.random.default_rng(0)
    found = _slopes(point, names, {t: v * rng.standard_normal(v.shape) for t, v in direction.items()})
    return found is None or any(slope.kinked and abs(slope.gap.value) > NEGLIGIBLE * apart for slope in found.sides)


def _slopes(point: Point, names: tuple[str, str], direction: dict[str, Array]) -> _Slopes | None:
    """What both losses do along ``direction``, at all steps but those that are too large to give a number."""
    here = [point.high(name) for name in names]
    steps = _steps(point, direction)
    losses = np.array([_along(point, name, direction, steps) for name in names])
    broken = np.flatnonzero(~np.isfinite(losses).all(axis=(0, 1)))
    losses, steps = (a[..., broken.max(initial=-1) + 1 :] for a in (losses, steps))
    if len(steps) < 4:
        return None
    rounding = max(_rounding(point, side) for side in here)
    judged, reference = (_slope(float(h[0]), loss, steps, rounding) for h, loss in zip(here, losses, strict=True))
    apart = max(abs(float(here[0][0] - here[1][0])), float(np.abs(losses[0] - losses[1]).max()))
    same = apart <= LIMIT * rounding
    best = min(judged, reference, key=lambda slope: slope.error)
    return _Slopes((best, best) if same else (judged, reference), same)


def _decided(names: tuple[str, str], claimed: tuple[float, float], found: _Slopes, apart: float, where: str) -> Opinion:
    slopes = found.sides
    error = max(slope.error for slope in slopes)
    figures = (slopes[1].derivative.value, *claimed, error)
    # As many digits as tell the two apart.
    digits = int(np.clip(np.ceil(np.log10(max(map(abs, claimed)) / apart)) + 3, 6, 17))
    told = [f"{n} ({c:.{digits}g})" for n, c in zip(names, claimed, strict=True)]
    if not error < CLEAR * apart:
        kinks = [abs(slope.gap.value) for slope in slopes if slope.kinked]
        if kinks:
            why = f"the loss has a kink within reach: its derivatives from left and right differ by {max(kinks):.1e}"
        else:
            why = f"their difference of {apart:.1e} is too small for central differences, with an error of {error:.1e}"
        return Opinion("unknown", f"it cannot be told whether {told[0]} or {told[1]} is right {where}: {why}", *figures)
    fits = [
        abs(c - slope.derivative.value) <= max(FITS * slope.error, NEGLIGIBLE * apart)
        for c, slope in zip(claimed, slopes, strict=True)
    ]
    if found.same and all(fits):
        numeric = f"{figures[0]:.{digits}g} by central differences (error {error:.1e})"
        return Opinion("unknown", f"both gradients fit the loss's own derivative {where}, {numeric}", *figures)
    right = {(True, False): "judged", (False, True): "reference", (False, False): "neither"}.get((fits[0], fits[1]))
    if found.same:
        fitting, other = told if fits[0] else told[::-1]
        whom = f"{fitting} and not {other}" if any(fits) else f"neither {told[0]} nor {told[1]}"
        numeric = f"{figures[0]:.{digits}g} by central differences (error {error:.1e})"
        return Opinion(str(right), f"the loss's own derivative {where}, {numeric}, fits {whom}", *figures)
    own = " and ".join(
        f"{t} has {slope.derivative.value:.{digits}g} by central differences"
        for t, slope in zip(told, slopes, strict=True)
    )
    if right is None:
        lead = "each gradient fits its own loss: the two compute different losses"
    elif right == "neither":
        lead = "the two compute different losses, and neither gradient fits its own"
    else:
        lead = f"the two compute different losses, and only {names[fits.index(True)]}'s gradient fits its own"
    return Opinion(right or "unknown", f"{lead} ({where}, {own}, error {error:.1e})", *figures)


def _steps(point: Point, direction: dict[str, Array]) -> Array:
    """The steps h (LEVELS,), of which the first moves no tensor by more than FIRST of its rms, in the Euclidean norm.

    A layer's output then changes by no more than a like part of its size, whether one of its weights moves or all. A
    tensor that is much smaller than all parameters' rms counts as SMALL of it: it may have been 0 a moment ago.
    """
    whole = float(rms(np.concatenate([value.ravel() for value in point.parameters.values()]))) or 1.0
    sizes = {t: max(float(rms(point.parameters[t].reshape(-1))), SMALL * whole) for t in direction}
    norms = {t: float(np.linalg.norm(v)) for t, v in direction.items()}
    scale = min(sizes[t] / norm for t, norm in norms.items() if norm > 0)
    return np.asarray(scale * FIRST / SHRINK ** np.arange(LEVELS))


def _along(point: Point, name: str, direction: dict[str, Array], steps: Array) -> Array:
    """The side's loss at h to the right and h to the left of the point, for all steps h: (2, LEVELS)."""

    def loss(h: float) -> float:
        moved = {t: value + h * direction[t] if t in direction else value for t, value in point.parameters.items()}
        there = point.at(moved)
        return float(there.high(name)[0])

    return np.array([[loss(sign * float(h)) for h in steps] for sign in (1, -1)])


def _rounding(point: Point, side: Array) -> float:
    """How far rounding moves the loss: by four roundings of its value, and of each parameter through its gradient."""
    places = point.layout.slices()
    through = sum(float(np.abs(side[places[t]] * value.ravel()).sum()) for t, value in point.parameters.items())
    return 4 * UNIT_ROUNDOFF[point.dtype] * (abs(float(side[0])) + through)


def _slope(here: float, losses: Array, steps: Array, rounding: float) -> _Slope:
    right, left = losses
    central = (right - left) / (2 * steps)
    gaps = ((right - here) - (here - left)) / steps
    # A loss may be rounded more coarsely than its value shows. What is left at small steps, beyond h^4, is that.
    smoother = (SHRINK**2 * central[1:] - central[:-1]) / (SHRINK**2 - 1)
    scatter = float((np.abs(np.diff(smoother)) * steps[2:])[-3:].max())
    noise = max(rounding, scatter) / steps
    return _Slope(ridders(central.tolist(), noise.tolist(), 2), ridders(gaps.tolist(), (4 * noise).tolist(), 1))
