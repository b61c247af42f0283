"""One run: the loop over steps. It knows no backend and no record by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.base import Backend, FormError, Step
from runner.comparison.drift import Distance, Drift, Parting
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict
from runner.comparison.verdict import Judge


@dataclass(frozen=True)
class Record:
    """One recorded step. The steps' arrays hold until the next step: whoever keeps them copies them.

    ``distances`` are those of the parameters that the step started from, none with lockstep.
    """

    step: int
    steps: Mapping[str, Step]
    comparisons: list[Comparison]
    distances: list[Distance] = field(default_factory=list)


class Recorder(Protocol):
    """What keeps the records of a run."""

    def progress(self, step: int) -> None:
        """Called before each step, with its number from 0."""
        ...

    def write(self, record: Record) -> None:
        """Called after each recorded step."""
        ...


class Silent:
    """A recorder that keeps nothing."""

    def progress(self, step: int) -> None:
        pass

    def write(self, record: Record) -> None:
        pass


@dataclass(frozen=True)
class Case:
    """What a step started from: parameters, x (batch, features) and y (batch, out), in the run's dtype."""

    parameters: Mapping[str, Array]
    x: Array
    y: Array


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: its verdict, the first and last recorded losses, and the parameters that it ended with.

    ``distances`` are those of the last parameters, where no record has them; ``drift`` is each backend's over the
    whole run. Both are empty with lockstep. ``case`` is that of the first mismatch.
    """

    verdict: RunVerdict
    losses: Mapping[str, tuple[float, float]]
    final: Mapping[str, Array]
    distances: list[Distance] = field(default_factory=list)
    drift: Mapping[str, Parting] = field(default_factory=dict)
    case: Case | None = None


def run_experiment(setup: Setup, recorder: Recorder) -> Outcome:
    """Trains every backend on the same batches in the same order, and judges the recorded steps.

    With lockstep, every backend is set to the last one's state after each update, so that a deviation is one step's
    deviation; without, each follows its own path, and only the first step, where all are alike, is judged. A
    recorded step that is not finite ends the run; so does any step whose loss is not, and it is recorded. So does a
    step that has not the form of one, and it is not recorded.
    """
    backends = {name: choice.make(name, setup.problem, setup.dtype) for name, choice in setup.backends.items()}
    with threadpool_limits(limits=setup.problem.threads), np.errstate(all="ignore"):
        for backend in backends.values():
            backend.load(setup.initial)
        reference = list(backends.values())[-1]
        judge = Judge(setup.problem, setup.backends, setup.dtype)
        verdict = RunVerdict(noise_over=judge.sides.noise_over)
        drift, updates = Drift({} if setup.lockstep else backends, setup.dtype.name), 0
        losses: dict[str, tuple[float, float]] = {}
        case: Case | None = None
        for step, (x, y) in enumerate(batches(setup)):
            recorder.progress(step)
            try:
                steps = {name: backend.step(x, y, draws={}) for name, backend in backends.items()}
                finite = all(np.isfinite(s.loss).all() for s in steps.values())
                recorded = is_recorded(setup, step) or not finite
                if recorded:
                    comparisons = judge.compare(reference.state().parameters, x, y, steps, is_judged(setup, step))
            except FormError as fault:
                verdict.add(step, [judge.misformed(fault, reference.state().parameters, x, y)])
                case = case or _case_of(verdict, reference, x, y)
                break
            if recorded:
                verdict.add(step, comparisons)
                case = case or _case_of(verdict, reference, x, y)
                recorder.write(Record(step, steps, comparisons, drift.measure(updates)))
                losses = {name: (losses.get(name, (float(s.loss),))[0], float(s.loss)) for name, s in steps.items()}
            if verdict.diverged:
                break
            _update(setup, backends, reference)
            updates += 1
        final = {name: np.array(value) for name, value in reference.state().parameters.items()}
        distances = drift.measure(updates)
    return Outcome(verdict, losses, final, distances, drift.partings(), case)


def batches(setup: Setup) -> Iterator[tuple[Array, Array]]:
    """x (batch, features) and y (batch, out) of every step, in the data's own order."""
    for _ in range(setup.epochs):
        for start in range(0, len(setup.x), setup.batch_size):
            end = start + setup.batch_size
            yield setup.x[start:end], setup.y[start:end]


def is_recorded(setup: Setup, step: int) -> bool:
    """Every N-th step, and the last one."""
    return step % setup.record_every == 0 or step == setup.steps - 1


def is_judged(setup: Setup, step: int) -> bool:
    """Of the recorded steps every N-th, and the last one; without lockstep the first alone."""
    if not setup.lockstep:
        return step == 0
    return step // setup.record_every % setup.verdict_every == 0 or step == setup.steps - 1


def _case_of(verdict: RunVerdict, reference: Backend, x: Array, y: Array) -> Case | None:
    """A copy of what this step started from, if a step so far is a mismatch."""
    if verdict.verdict != "mismatch":
        return None
    return Case({name: np.array(value) for name, value in reference.state().parameters.items()}, x, y)


def _update(setup: Setup, backends: Mapping[str, Backend], reference: Backend) -> None:
    for backend in backends.values():
        backend.update()
    if setup.lockstep:
        state = reference.state()
        for backend in backends.values():
            if backend is not reference:
                backend.load(state)
