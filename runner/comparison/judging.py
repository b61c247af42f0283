"""One side that gave what it should, judged at one point: its logic in float64, its precision in the run's dtype."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array, is_narrow
from runner.backends.base import KEEPS_SOMETHING, FormError
from runner.comparison.constants import LIMIT, NOISE, TF32, UNIT_ROUNDOFF
from runner.comparison.deviation import deviation
from runner.comparison.explanation import Explanation
from runner.comparison.looks import Judged, judge_logic, measured
from runner.comparison.point import Point
from runner.comparison.results import SEVERITY, Comparison, blind_below, worst_judged
from runner.comparison.sides import HIGH, Sides
from runner.comparison.tensors import Layout

Explain = Callable[[str, Judged, Judged], Explanation | None]
"""(name, logic, precision) -> why it is wrong or imprecise, if it is and if that is to be told."""


@dataclass(frozen=True)
class Looks:
    """Judges the sides of one run, whose dtype is ``dtype``."""

    sides: Sides
    dtype: np.dtype[Any]

    def at(
        self, name: str, point: Point, flat: Mapping[str, Array], first: Array | None, explain: Explain
    ) -> Comparison | None:
        """The comparison of ``name`` with the reference; None where a twin in float64 is not finite.

        ``flat`` holds what the run itself computed, by name, ``first`` is the first look's sigma.

        Raises:
            FormError: The side's twin has not the form of a step, or gives other numbers than the run had.
        """
        reference, layout = self.sides.reference, point.layout
        dtype = self._narrowest(name)
        if dtype != HIGH.name:
            point = point.on_grid(dtype)
            first = point.sigma_of_two_precisions({})
        u, g = point.high(name), point.reference
        if not (np.isfinite(u).all() and np.isfinite(g).all()):
            return None
        logic = judge_logic(name, point, first)
        precision = self._precision(name, point, flat, first, logic)
        self._check_repeats(name, point, flat[name], logic, precision)
        verdict = max((logic.verdict, precision.verdict), key=SEVERITY.index)
        failed = logic if logic.verdict != "agree" else precision
        places = layout.slices()
        suspects = (
            () if verdict == "agree" else tuple(t for t in layout.order if failed.roundings[places[t]].max() > LIMIT)
        )
        return Comparison(
            backend=name,
            reference=reference,
            layout=layout,
            verdict=verdict,
            deviation=deviation(layout, flat[name], flat[reference]),
            precision=worst_judged(layout, precision),
            precision_look=precision.look,
            logic=worst_judged(layout, logic),
            logic_look=logic.look,
            logic_deviation=deviation(layout, u, g),
            error=layout.largest(lambda part: np.abs(flat[name][part] - u[part])),
            reference_error=layout.largest(lambda part: np.abs(flat[reference][part] - g[part])),
            suspects=suspects,
            finding="; ".join(filter(None, [logic.finding or precision.finding, _narrowed(layout, logic)])),
            blind_below=blind_below(layout, logic) if dtype != HIGH.name else 0.0,
            explanation=explain(name, logic, precision),
            elements=(logic.roundings, precision.roundings),
        )

    def _check_repeats(self, name: str, point: Point, given: Array, logic: Judged, precision: Judged) -> None:
        """The run's own numbers are to come out again: a function may have kept something from the step before.

        Raises:
            FormError: They do not.
        """
        if self.dtype == HIGH:
            again, unit = point.high(name), logic.sigma
        elif precision.verdict == "imprecise" and logic.verdict == "agree":
            again, unit = point.again(name, self.dtype), precision.sigma
            if self.sides.choices[name].rounds_factors(self.dtype):  # a last digit may round a factor the other way
                unit = unit * (TF32 / UNIT_ROUNDOFF[self.dtype.name])
        else:
            return
        other = np.abs(given - again) > LIMIT * unit
        if other.any():
            places = point.layout.slices()
            first = next(tensor for tensor in point.layout.order if other[places[tensor]].any())
            raise FormError(name, KEEPS_SOMETHING, first)

    def _narrowest(self, name: str) -> str:
        """The dtype in which ``name`` can be judged against the reference."""
        known = [self.sides.choices[n].only_dtype() or HIGH.name for n in (name, self.sides.reference)]
        return max(known, key=lambda dtype: UNIT_ROUNDOFF[dtype])

    def _precision(
        self, name: str, point: Point, flat: Mapping[str, Array], first: Array | None, logic: Judged
    ) -> Judged:
        """Is the arithmetic as good as the run's dtype allows? A side in it is held against the reference in float64.

        In 16 bits the first look's unit is what the reference and the library themselves err by in that dtype.
        """
        if self.dtype == HIGH:
            return replace(logic, verdict="agree", look=min(logic.look, 2), finding="")
        dtype, u, g = self.dtype.name, flat[name], point.reference
        if is_narrow(self.dtype) or first is None:
            first = point.sigma_of_own_errors(flat, dtype)
        if first is not None:
            early = measured(1, u, g, first, dtype)
            if early.roundings.max() <= LIMIT or logic.verdict != "agree":
                return early
        sigma = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF[dtype])
        judged = measured(2, u, g, sigma, dtype)
        if first is not None:  # imprecise is what stands out in both looks
            judged = replace(judged, roundings=np.fmin(early.roundings, judged.roundings))
        # An element that the logic has found to lie on a kink may be on its other side here too.
        judged = replace(judged, roundings=np.where(logic.roundings > LIMIT, 0.0, judged.roundings))
        if judged.roundings.max() <= LIMIT:
            return judged
        words = f"the arithmetic loses digits that {dtype} has"
        return replace(judged, verdict="imprecise", finding=words, point=point)


def _narrowed(layout: Layout, logic: Judged) -> str:
    """In words, the narrower dtype that all gradients of a side that disagrees are numbers of."""
    u, g = logic.u[layout.gradients], logic.g[layout.gradients]
    if logic.verdict not in ("imprecise", "mismatch") or (logic.point is not None and logic.point.dtype != HIGH.name):
        return ""
    told = (u != 0) & (g != 0)
    apart = np.abs(u - g)[told] / np.abs(g[told])
    for dtype in ("float16", "bfloat16", "float32"):
        to = DTYPES[dtype]
        close = (
            len(apart) > 0 and np.quantile(apart, 0.25) < LIMIT * UNIT_ROUNDOFF[dtype]
        )  # zeros and ones are rounded from nothing
        if close and (u.astype(to) == u).all() and not (g.astype(to) == g).all():
            return f"all its gradients are {dtype} numbers: they were rounded to it on the way"
    return ""
