"""The verdict on a step of many replicas: the first look at all at once, and `Judge` where that is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array, is_narrow
from runner.backends.base import Backend, BackendChoice, Given, Problem, State, Step
from runner.backends.scratch import Scratch
from runner.comparison.results import Comparison
from runner.comparison.sides import HIGH, SINGLE
from runner.comparison.tensors import Layout, StateLayout
from runner.comparison.verdict import Judge
from runner.stacked.look import look, unjudged
from runner.stacked.looked import Detail, Looked, Pair
from runner.stacked.slices import copied, flat_states, flat_steps, given_of, state_of, states_layout_of, step_of


@dataclass(frozen=True)
class Found:
    """What is known of one step, or of one update, of the replicas that are ``wanted``, (replicas,).

    ``looked`` holds, by the names of the backends that are judged, what the first look found; ``alone`` the comparisons
    of each replica that was judged by itself, in place of that. ``judged`` is False where deviations alone are known.
    """

    layout: Layout
    looked: Mapping[str, Looked]
    alone: Mapping[int, list[Comparison]]
    wanted: Array
    judged: bool

    @property
    def by_look(self) -> Array:
        """Of which replicas ``looked`` counts, (replicas,)."""
        found = self.wanted.copy()
        found[list(self.alone)] = False
        return found

    @property
    def agrees(self) -> Array:
        """Of which replicas all backends are judged and agree, (replicas,)."""
        found = self.by_look & self.judged
        for k, comparisons in self.alone.items():
            found[k] = all(c.verdict == "agree" for c in comparisons)
        return found

    def of(self, k: int, reference: str) -> list[Comparison]:
        """The comparisons of replica ``k`` with the ``reference``, one a judged backend."""
        if k in self.alone:
            return self.alone[k]
        found = self.looked.items()
        return [looked.comparison(k, (name, reference), self.layout, self.judged) for name, looked in found]


@dataclass(frozen=True)
class _Stacked:
    """A judged step: what it was given, and what the run and the twins gave, (replicas, size) by name.

    ``updated`` is what the float64 twins carry after an update.
    """

    given: Given
    layout: Layout
    run: Mapping[str, Array]
    high: Mapping[str, Array]
    updated: Mapping[str, Array]


@dataclass
class StackedJudge:
    """``Judge`` for so many replicas: each has the verdict that ``Judge`` would give it.

    Only the first look is taken at all of them at once. Who does not pass it is judged from its own slice. ``detail``
    is what is found out of steps; of updates that is less, unless it is all.
    """

    problem: Problem
    choices: Mapping[str, BackendChoice]
    dtype: np.dtype[Any]
    replicas: int
    detail: Detail = Detail.VERDICT
    single: Judge = field(init=False)
    _singles: dict[float, Judge] = field(init=False, default_factory=dict)
    _alone: dict[int, Judge] = field(init=False, default_factory=dict)
    _twins: dict[tuple[str, str], Backend] = field(init=False, default_factory=dict)
    _states: StateLayout | None = field(init=False, default=None)
    _last: _Stacked | None = field(init=False, default=None)
    _compared: set[int] = field(init=False, default_factory=set)
    _repeats: Array | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.single = self._single(0)

    def _single(self, k: int) -> Judge:
        """One over twins of one run with the learning rate of replica ``k``."""
        problem = self.problem
        lr = problem.rates[k] if problem.rates else problem.lr
        if lr not in self._singles:
            self._singles[lr] = Judge(replace(problem, lr=lr, rates=()), self.choices, self.dtype, updates=True)
        return self._singles[lr]

    def compare(self, given: Given, steps: Mapping[str, Step], judged: bool, wanted: Array) -> Found:
        """``Judge.compare`` of the replicas that are ``wanted``, (replicas,)."""
        layout = self.single.layout(given.x.shape[1])
        run = {name: flat_steps(layout, step) for name, step in steps.items()}
        given = replace(given, state=copied(given.state)) if judged else given
        self._last = point = self._at(given, layout, run) if judged else _Stacked(given, layout, run, {}, {})
        self._compared = set()

        def alone(k: int) -> list[Comparison]:
            return self._judged_alone(k, point, judged)

        if not judged:
            looked = {n: unjudged(layout, run[n], run[self.single.sides.reference]) for n in self._judged_names()}
            return _found(layout, looked, wanted, False, alone)
        sides, known = list(self._in_single(point)), self._repeating(point) & (not is_narrow(self.dtype))
        looked = {
            name: look(layout, self._pair(name, run, point.high), sides, self.dtype, self.detail).only(known)
            for name in self._judged_names()
        }
        return _found(layout, looked, wanted, True, alone)

    def compare_updates(self, states: Mapping[str, State], wanted: Array) -> Found:
        """``Judge.compare_updates`` of the replicas that are ``wanted``, (replicas,)."""
        layout, point = self._states, self._last
        assert layout is not None
        assert point is not None
        run = {name: flat_states(layout, state, self.replicas) for name, state in states.items()}
        looked = {name: self._look_at_update(name, layout, point, run, wanted) for name in self._judged_names()}

        def alone(k: int) -> list[Comparison]:
            if k not in self._compared:
                self._judged_alone(k, point, judged=True)
            return self._alone[k].compare_updates({name: state_of(state, k) for name, state in states.items()})

        return _found(layout, looked, wanted, True, alone)

    def _look_at_update(
        self, name: str, layout: StateLayout, point: _Stacked, run: Mapping[str, Array], wanted: Array
    ) -> Looked:
        """The first look; with a sigma only where a value's own digits do not explain all, as they mostly do."""
        pair = self._pair(name, run, point.updated)
        assert self._repeats is not None
        detail = Detail.WORST if self.detail == Detail.ELEMENTS else Detail.VERDICT
        looked = look(layout, pair, [], self.dtype, detail).only(self._repeats & (not is_narrow(self.dtype)))
        rows = np.flatnonzero(wanted & ~looked.agrees & self._repeats)
        if rows.size and not is_narrow(self.dtype):
            sides = [(low[rows], high[rows]) for low, high in self._updated_in_single(layout, point, run)]
            looked.put(rows, look(layout, pair.rows(rows), sides, self.dtype, detail))
        return looked

    def _at(self, given: Given, layout: Layout, run: Mapping[str, Array]) -> _Stacked:
        """The step with its twins in float64, each evaluated, and updated while it holds the gradients."""
        high, updated = {}, {}
        for name in {**self.choices, self.single.sides.library: None}:
            high[name] = flat_steps(layout, self._evaluated(name, HIGH.name, given))
            if given.training:
                updated[name] = self._updated(name, HIGH.name)
        return _Stacked(given, layout, run, high, updated)

    def _repeating(self, point: _Stacked) -> Array:
        """Of which replicas the library gave the same bits when it was asked twice at the first step, (replicas,)."""
        if self._repeats is None:
            library = self.single.sides.library
            again = flat_steps(point.layout, self._evaluated(library, HIGH.name, point.given))
            pairs = [(again, point.high[library])]
            if point.given.training:
                pairs.append((self._updated(library, HIGH.name), point.updated[library]))
            same = [((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1) for a, b in pairs]
            self._repeats = np.logical_and.reduce(same)
        return self._repeats

    def _in_single(self, point: _Stacked) -> Iterator[tuple[Array, Array]]:
        """The reference's and the library's tensors in float32 and in float64."""
        for name in self._measured():
            if self.dtype == SINGLE and name in point.run:
                yield point.run[name], point.high[name]
            else:
                step = self._evaluated(name, SINGLE.name, point.given)
                yield flat_steps(point.layout, step), point.high[name]

    def _updated_in_single(
        self, layout: StateLayout, point: _Stacked, run: Mapping[str, Array]
    ) -> Iterator[tuple[Array, Array]]:
        """What they carry after an update, likewise."""
        for name in self._measured():
            if self.dtype == SINGLE and name in run:
                yield run[name], point.updated[name]
            else:
                self._evaluated(name, SINGLE.name, point.given)
                yield self._updated(name, SINGLE.name), point.updated[name]

    def _measured(self) -> dict[str, None]:
        return {self.single.sides.reference: None, self.single.sides.library: None}

    def _evaluated(self, name: str, dtype: str, given: Given) -> Step:
        """The step of a side's twin in ``dtype``."""
        if (name, dtype) not in self._twins:
            choice = self.choices.get(name, Scratch())
            self._twins[name, dtype] = choice.make_stacked(name, self.problem, DTYPES[dtype], self.replicas)
        twin = self._twins[name, dtype]
        twin.load(given.state)
        return twin.step(given.x, given.y, draws=given.draws, training=given.training)

    def _updated(self, name: str, dtype: str) -> Array:
        """What that twin carries after an update with the step's gradients."""
        twin = self._twins[name, dtype]
        twin.update()
        state = twin.state()
        if self._states is None:
            self._states = states_layout_of(state)
        return flat_states(self._states, state, self.replicas)

    def _judged_alone(self, k: int, point: _Stacked, judged: bool) -> list[Comparison]:
        """Replica k by the judge of its own run."""
        if k not in self._alone:
            self._alone[k] = self._single(k).anew()
        judge = self._alone[k]
        self._compared.add(k)
        steps = {name: step_of(point.layout, flat[k]) for name, flat in point.run.items()}
        return judge.compare(given_of(point.given, k), steps, judged)

    def _pair(self, name: str, run: Mapping[str, Array], high: Mapping[str, Array]) -> Pair:
        reference = self.single.sides.reference
        return Pair(run[name], run[reference], high[name], high[reference])

    def _judged_names(self) -> list[str]:
        return list(self.choices)[:-1]


def _found(
    layout: Layout,
    looked: Mapping[str, Looked],
    wanted: Array,
    judged: bool,
    alone: Callable[[int], list[Comparison]],
) -> Found:
    """Who is wanted and does not pass the look is judged alone."""
    passed = np.logical_and.reduce([found.agrees for found in looked.values()])
    rest = np.flatnonzero(wanted & ~passed)
    return Found(layout, looked, {int(k): alone(int(k)) for k in rest}, wanted, judged)
