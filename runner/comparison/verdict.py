"""The verdict on one step: agree, imprecise, mismatch, undecided or diverged."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from runner.arrays import Array, in_dtype
from runner.backends.base import BackendChoice, FormError, Given, Problem, State, Step
from runner.comparison.constants import LIMIT
from runner.comparison.deviation import Deviation, deviation
from runner.comparison.explanation import Explanation, explain, explain_form
from runner.comparison.factors import explain_factors
from runner.comparison.judging import Explain, Looks
from runner.comparison.looks import Judged, measured
from runner.comparison.point import Point
from runner.comparison.results import Comparison, Worst, faulted, worst_unjudged
from runner.comparison.sides import HIGH, SINGLE, Sides
from runner.comparison.tensors import Layout, layout_of, state_layout


@dataclass(frozen=True)
class Memory:
    """What a judge has in mind from one step to the next.

    Attributes:
        previous: What the step was given that was judged last; None before the first.
        explained: Which backends' verdicts have been explained.
        repeated: Whether the library's update was seen to give the same bits twice.
        carried: The tensors that an update is judged by, in the order of the tables, and their shapes; None before
            the first update.
    """

    previous: Given | None
    explained: list[tuple[str, str]]
    repeated: bool
    carried: list[tuple[str, tuple[int, ...]]] | None


LOST = "both float64 twins are not finite where the run is: it lost on the way here what float64 needs"
PARTED = "rounding decides whether a float64 twin is finite: the run lost on the way here what float64 needs"


@dataclass
class Judge:
    """Judges the steps of one run, and their updates too if ``updates``. Of ``choices``, the last is the reference."""

    problem: Problem
    choices: Mapping[str, BackendChoice]
    dtype: np.dtype[Any]
    updates: bool = False
    sides: Sides = field(init=False)
    _looks: Looks = field(init=False)
    _layouts: dict[int, Layout] = field(init=False, default_factory=dict)
    _previous: Point | None = field(init=False, default=None)
    _explained: set[tuple[str, str]] = field(init=False, default_factory=set)
    _repeated: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.sides = Sides(self.problem, self.choices, list(self.choices)[-1])
        self._looks = Looks(self.sides, self.dtype)

    def anew(self) -> Judge:
        """A judge of another run of the same problem, over the same twins."""
        other = copy(self)
        other._previous, other._explained, other._repeated = None, set(), False
        return other

    def memory(self) -> Memory:
        """What ``recall`` needs to go on as this judge would; its arrays belong to the judge."""
        previous, states = self._previous, self.sides.states
        given = None
        if previous is not None:
            state = State(previous.parameters, previous.buffers, previous.optimizer)
            given = Given(state, previous.x, previous.y, previous.draws, previous.training)
        carried = None if states is None else list(zip(states.names, states.shapes, strict=True))
        return Memory(given, sorted(self._explained), self._repeated, carried)

    def recall(self, memory: Memory) -> None:
        """Takes what ``memory`` gave, of a judge of the same run."""
        self._previous = None if memory.previous is None else self._point(memory.previous)
        self._explained, self._repeated = set(memory.explained), memory.repeated
        self.sides.states = None if memory.carried is None else state_layout(dict(memory.carried))

    def layout(self, batch: int) -> Layout:
        """The layout of a step of that batch size."""
        if batch not in self._layouts:
            self._layouts[batch] = layout_of(self.problem.network, batch)
        return self._layouts[batch]

    def compare(self, given: Given, steps: Mapping[str, Step], judged: bool) -> list[Comparison]:
        """Compares every backend's step to the reference's; all were ``given`` the same.

        A step that is not finite is diverged, judged or not.

        Raises:
            FormError: A step lacks a tensor, or one has the wrong shape.
        """
        layout = self.layout(len(given.x))
        flat = {name: layout.flat(name, step) for name, step in steps.items()}
        broken = [name for name, value in flat.items() if not np.isfinite(value).all()]
        whole = [name for name in self._judged_names() if not {name, self.sides.reference} & set(broken)]
        if not judged or not whole:
            return [
                self._unjudged(name, layout, flat) if name in whole else self._diverged(name, layout, flat, broken)
                for name in self._judged_names()
            ]
        point = self._point(given)
        try:
            if self._previous is None:
                point.check_repeats(self.sides.library)
            first = point.sigma_of_two_precisions(flat if self.dtype == SINGLE else {})
        except FormError as fault:  # of the library, or of the reference's twin in the other dtype
            return [self._with_fault(name, layout, flat, fault) for name in self._judged_names()]
        found = [
            self._judge(name, point, flat, first, self._explain)
            if name in whole
            else self._diverged(name, layout, flat, broken)
            for name in self._judged_names()
        ]
        self._previous = point
        return found

    def compare_updates(self, states: Mapping[str, State]) -> list[Comparison]:
        """Compares what every backend carries after the update that followed the step that was judged last."""
        assert self._previous is not None
        try:
            point = self._previous.updated()
            layout = point.layout
            if not self._repeated:
                point.check_repeats(self.sides.library)
                self._repeated = True
            flat = {name: layout.flat_state(name, state) for name, state in states.items()}
        except FormError as fault:
            return [self._nothing_known(self.sides.states or self._previous.layout, fault)]
        broken = [name for name, value in flat.items() if not np.isfinite(value).all()]
        found = []
        for name in self._judged_names():
            if {name, self.sides.reference} & set(broken):
                found.append(self._diverged(name, layout, flat, broken))
                continue
            first = self._first_of_update(name, point, flat)
            found.append(self._judge(name, point, flat, first, lambda *_: None))
        return found

    def _first_of_update(self, name: str, point: Point, flat: Mapping[str, Array]) -> Array | None:
        """The first look's sigma; nothing but a value's own digits where they explain all, as they mostly do."""
        nothing, g = np.zeros(point.layout.size), point.reference
        pairs = ((point.high(name), HIGH.name), (flat[name], self.dtype.name))
        if all(measured(1, u, g, nothing, dtype).roundings.max() <= LIMIT for u, dtype in pairs):
            return nothing
        return point.sigma_of_two_precisions(flat if self.dtype == SINGLE else {})

    def misformed(self, fault: FormError, given: Given) -> Comparison:
        """What is known of a step that a backend could not give: nothing but the fault."""
        found = self._nothing_known(self.layout(len(given.x)), fault)
        return replace(found, explanation=explain_form(fault, self._point(given)))

    def _nothing_known(self, layout: Layout, fault: FormError) -> Comparison:
        unknown = np.full(len(layout.names), np.nan)
        worst = Worst(np.zeros(len(unknown), np.intp), unknown, unknown, unknown, unknown)
        nothing = Comparison(fault.backend, self.sides.reference, layout, None, Deviation(*[unknown] * 3), worst)
        return faulted(nothing, fault)

    def _point(self, given: Given) -> Point:
        state = given.state
        parameters, buffers, optimizer = (_in_high(v) for v in (state.parameters, state.buffers, state.optimizer))
        x, y = in_dtype(given.x, HIGH), in_dtype(given.y, HIGH)
        layout = self.layout(len(given.x))
        updates = self.updates and given.training
        point = Point(self.sides, layout, parameters, x, y, HIGH.name, buffers, given.draws, optimizer, updates)
        return replace(point, training=given.training)

    def _explain(self, name: str, logic: Judged, precision: Judged) -> Explanation | None:
        """The first mismatch of each backend is explained, and the first loss of digits to TF32; others are alike."""
        failed = logic if logic.verdict != "agree" else precision
        in_evaluation = failed.point is not None and not failed.point.training
        to_tf32 = failed is precision and self.choices[name].rounds_factors(self.dtype)
        told = failed.verdict == "mismatch" or (failed.verdict == "imprecise" and to_tf32)
        if not told or in_evaluation or (name, failed.verdict) in self._explained:
            return None
        self._explained.add((name, failed.verdict))
        return explain_factors(name, failed) if to_tf32 else explain(name, failed, self._previous)

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
        if "prediction" in places:
            undefined = (self.problem.loss.undefined_at(side[places["prediction"]]) for side in (u, g))
            words = next(filter(None, undefined), words)
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

    def _judge(
        self, name: str, point: Point, flat: Mapping[str, Array], first: Array | None, explain: Explain
    ) -> Comparison:
        try:
            found = self._looks.at(name, point, flat, first, explain)
        except FormError as fault:  # of the twin in float64
            return self._with_fault(name, point.layout, flat, fault)
        if found is not None:
            return found
        u, g = point.high(name), point.reference
        found = self._diverged(name, point.layout, {name: u, self.sides.reference: g}, ["a float64 twin"])
        apart = np.isfinite(u) != np.isfinite(g)
        if not apart.any():  # the root of v - a^2, say, whose v underflowed on the way here
            return replace(found, verdict="undecided", finding=LOST)
        if point.may_be_finite(apart):
            return replace(found, verdict="undecided", finding=PARTED)
        return found


def _in_high(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: in_dtype(value, HIGH) for name, value in arrays.items()}
