"""The verdict on one step: agree, imprecise, mismatch, undecided or diverged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array, is_narrow
from runner.backends.base import BackendChoice, FormError, Problem, Step
from runner.comparison.constants import LIMIT, NOISE, UNIT_ROUNDOFF
from runner.comparison.deviation import Deviation, deviation
from runner.comparison.explanation import Explanation, explain, explain_form
from runner.comparison.looks import Judged, judge_logic, measured
from runner.comparison.results import SEVERITY, Comparison, Worst, blind_below, faulted, worst_judged, worst_unjudged
from runner.comparison.sides import HIGH, SINGLE, Point, Sides
from runner.comparison.tensors import Layout, layout_of


@dataclass
class Judge:
    """Judges the steps of one run. Of ``choices``, the last is the reference."""

    problem: Problem
    choices: Mapping[str, BackendChoice]
    dtype: np.dtype[Any]
    sides: Sides = field(init=False)
    _layouts: dict[int, Layout] = field(init=False, default_factory=dict)
    _previous: Point | None = field(init=False, default=None)
    _explained: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.sides = Sides(self.problem, self.choices, list(self.choices)[-1])

    def layout(self, batch: int) -> Layout:
        """The layout of a step of that batch size."""
        if batch not in self._layouts:
            self._layouts[batch] = layout_of(self.problem.network, batch)
        return self._layouts[batch]

    def compare(
        self, parameters: Mapping[str, Array], x: Array, y: Array, steps: Mapping[str, Step], judged: bool
    ) -> list[Comparison]:
        """Compares every backend's step to the reference's.

        ``parameters`` are those that the steps started from, x (batch, features) and y (batch, out) what they saw.
        A step that is not finite is diverged, judged or not.

        Raises:
            FormError: A step lacks a tensor, or one has the wrong shape.
        """
        layout = self.layout(len(x))
        flat = {name: layout.flat(name, step) for name, step in steps.items()}
        broken = [name for name, value in flat.items() if not np.isfinite(value).all()]
        whole = [name for name in self._judged_names() if not {name, self.sides.reference} & set(broken)]
        if not judged or not whole:
            return [
                self._unjudged(name, layout, flat) if name in whole else self._diverged(name, layout, flat, broken)
                for name in self._judged_names()
            ]
        point = self._point(parameters, x, y)
        try:
            first = point.sigma_of_two_precisions(flat if self.dtype == SINGLE else {})
        except FormError as fault:  # of the reference's twin in the other dtype
            return [self._with_fault(name, layout, flat, fault) for name in self._judged_names()]
        found = [
            self._judge(name, point, flat, first) if name in whole else self._diverged(name, layout, flat, broken)
            for name in self._judged_names()
        ]
        self._previous = point
        return found

    def misformed(self, fault: FormError, parameters: Mapping[str, Array], x: Array, y: Array) -> Comparison:
        """What is known of a step that a backend could not give: nothing but the fault."""
        layout = self.layout(len(x))
        unknown = np.full(len(layout.names), np.nan)
        worst = Worst(np.zeros(len(unknown), np.intp), unknown, unknown, unknown, unknown)
        nothing = Comparison(fault.backend, self.sides.reference, layout, None, Deviation(*[unknown] * 3), worst)
        return replace(faulted(nothing, fault), explanation=explain_form(fault, self._point(parameters, x, y)))

    def _point(self, parameters: Mapping[str, Array], x: Array, y: Array) -> Point:
        there = {k: np.array(v, HIGH) for k, v in parameters.items()}
        return Point(self.sides, self.layout(len(x)), there, x.astype(HIGH), y.astype(HIGH))

    def _explain(self, name: str, logic: Judged) -> Explanation | None:
        """The first mismatch of each backend is explained; the later ones are hardly others."""
        if logic.verdict != "mismatch" or name in self._explained:
            return None
        self._explained.add(name)
        return explain(name, logic, self._previous)

    def _with_fault(self, name: str, layout: Layout, flat: Mapping[str, Array], fault: FormError) -> Comparison:
        return faulted(self._unjudged(name, layout, flat), fault)

    def _judged_names(self) -> list[str]:
        return list(self.choices)[:-1]

    def _unjudged(self, name: str, layout: Layout, flat: Mapping[str, Array]) -> Comparison:
        u, g = flat[name], flat[self.sides.reference]
        worst = worst_unjudged(layout, u, g, np.abs(u - g))
        return Comparison(name, self.sides.reference, layout, None, deviation(layout, u, g), worst)

    def _diverged(self, name: str, layout: Layout, flat: Mapping[str, Array], broken: list[str]) -> Comparison:
        u, g = flat[name], flat[self.sides.reference]
        broken = [b for b in broken if b in (name, self.sides.reference) or b not in flat]
        with np.errstate(all="ignore"):
            worst = worst_unjudged(layout, u, g, ~(np.isfinite(u) & np.isfinite(g)))
        places = layout.slices()
        suspects = tuple(
            t for t in layout.order if not (np.isfinite(u[places[t]]).all() and np.isfinite(g[places[t]]).all())
        )
        words = "" if len(broken) > 1 else f"only {broken[0]} is not finite"
        return Comparison(
            name,
            self.sides.reference,
            layout,
            "diverged",
            deviation(layout, u, g),
            worst,
            suspects=suspects,
            finding=words,
        )

    def _judge(self, name: str, point: Point, flat: Mapping[str, Array], first: Array | None) -> Comparison:
        try:
            return self._judge_well_formed(name, point, flat, first)
        except FormError as fault:  # of the twin in float64
            return self._with_fault(name, point.layout, flat, fault)

    def _judge_well_formed(self, name: str, point: Point, flat: Mapping[str, Array], first: Array | None) -> Comparison:
        reference, layout = self.sides.reference, point.layout
        dtype = self._narrowest(name)
        if dtype != HIGH.name:
            point = point.on_grid(dtype)
            first = point.sigma_of_two_precisions({})
        u, g = point.high(name), point.reference
        if not (np.isfinite(u).all() and np.isfinite(g).all()):
            return self._diverged(name, layout, {name: u, reference: g}, ["a float64 twin"])
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
            explanation=self._explain(name, logic),
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
        else:
            return
        other = np.abs(given - again) > LIMIT * unit
        if other.any():
            places = point.layout.slices()
            first = next(tensor for tensor in point.layout.order if other[places[tensor]].any())
            words = "returned other numbers for the same arguments: it keeps something between calls"
            raise FormError(name, words, first)

    def _narrowest(self, name: str) -> str:
        """The dtype in which ``name`` can be judged against the reference."""
        known = [self.choices[n].only_dtype() or HIGH.name for n in (name, self.sides.reference)]
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
        if is_narrow(self.dtype):
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
        return replace(judged, verdict="imprecise", finding=f"the arithmetic loses digits that {dtype} has")


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
