"""One run: the loop over steps. It knows no backend and no record by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import Array, in_dtype
from runner.assemble import Setup
from runner.backends.base import Backend, FormError, Given, State, Step
from runner.backends.prediction import AT_ONCE
from runner.comparison.drift import Distance, Drift, Parting
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict
from runner.comparison.verdict import Judge
from runner.data.base import Stream, generator
from runner.evaluation import Epoch, Evaluation


@dataclass(frozen=True)
class Record:
    """One recorded step. The steps' arrays hold until the next step: whoever keeps them copies them.

    ``distances`` are those of the parameters that the step started from, none with lockstep; ``parameters`` are these
    of the reference.
    """

    step: int
    steps: Mapping[str, Step]
    comparisons: list[Comparison]
    distances: list[Distance] = field(default_factory=list)
    parameters: Mapping[str, Array] = field(default_factory=dict)


class Recorder(Protocol):
    """What keeps the records of a run."""

    def progress(self, step: int) -> None:
        """Called before each step, with its number from 0."""
        ...

    def write(self, record: Record) -> None:
        """Called after each recorded step."""
        ...

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        """Called after the update that follows a judged step, with what the backends then carry."""
        ...

    def write_epoch(self, epoch: Epoch) -> None:
        """Called after each epoch that was evaluated."""
        ...


class Silent:
    """A recorder that keeps nothing."""

    def progress(self, step: int) -> None:
        pass

    def write(self, record: Record) -> None:
        pass

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        pass

    def write_epoch(self, epoch: Epoch) -> None:
        pass


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: its verdict, the first and last recorded losses, and the parameters and
    running averages that it ended with.

    ``distances`` are those of the last parameters, where no record has them; ``drift`` is each backend's over the
    whole run. Both are empty with lockstep. ``case`` is that of the first mismatch, ``epoch`` the last that was
    evaluated.
    """

    verdict: RunVerdict
    losses: Mapping[str, tuple[float, float]]
    final: Mapping[str, Array]
    distances: list[Distance] = field(default_factory=list)
    drift: Mapping[str, Parting] = field(default_factory=dict)
    case: Given | None = None
    epoch: Epoch | None = None


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
        judge = Judge(setup.problem, setup.backends, setup.dtype, updates=True)
        verdict = RunVerdict(noise_over=judge.sides.noise_over)
        drift, updates = Drift({} if setup.lockstep else backends, setup.dtype.name), 0
        losses: dict[str, tuple[float, float]] = {}
        case: Given | None = None
        evaluation = Evaluation(setup)
        epoch: Epoch | None = None
        for step, given in enumerate(_given(setup, reference)):
            recorder.progress(step)
            judged = is_judged(setup, step)
            try:
                steps = {name: backend.step(given.x, given.y, draws=given.draws) for name, backend in backends.items()}
                finite = all(np.isfinite(s.loss).all() for s in steps.values())
                recorded = is_recorded(setup, step) or not finite
                if recorded:
                    comparisons = judge.compare(given, steps, judged)
            except FormError as fault:
                verdict.add(step, [judge.misformed(fault, given)])
                case = case or _case_of(verdict, given)
                break
            if recorded:
                verdict.add(step, comparisons)
                case = case or _case_of(verdict, given)
                recorder.write(Record(step, steps, comparisons, drift.measure(updates), given.state.parameters))
                losses = {name: (losses.get(name, (float(s.loss),))[0], float(s.loss)) for name, s in steps.items()}
            if verdict.diverged:
                break
            for backend in backends.values():
                backend.update()
            if recorded and judged and all(c.verdict == "agree" for c in comparisons):
                _judge_update(judge, verdict, recorder, step, backends)
            if setup.lockstep:
                _follow(backends, reference)
            updates += 1
            evaluation.take(given.y, steps)
            ended = evaluation.at_end_of(step, backends)
            if ended is not None:
                epoch = ended
                recorder.write_epoch(ended)
        if not verdict.diverged:
            _judge_evaluation(setup, judge, verdict, backends)
        last = reference.state()
        final = {name: np.array(value) for name, value in (*last.parameters.items(), *last.buffers.items())}
        distances = drift.measure(updates)
    return Outcome(verdict, losses, final, distances, drift.partings(), case, epoch)


def batches(setup: Setup) -> Iterator[tuple[Array, Array]]:
    """x (batch, *sample) and y (batch, *out) of every step, in the data's own order and the run's dtype."""
    for rows in rows_of_batches(setup):
        yield _in_run(setup.x[rows], setup.dtype), _in_run(setup.y[rows], setup.dtype)


def rows_of_batches(setup: Setup) -> Iterator[slice]:
    """Which samples every step takes."""
    for _ in range(setup.epochs):
        for start in range(0, len(setup.x), setup.batch_size):
            yield slice(start, min(start + setup.batch_size, len(setup.x)))


def _in_run(values: Array, dtype: np.dtype[Any]) -> Array:
    """Of a mapped file, the rows are read and converted here."""
    return in_dtype(values, dtype) if isinstance(values, np.memmap) else values


def is_recorded(setup: Setup, step: int) -> bool:
    """Every N-th step, and the last one."""
    return step % setup.record_every == 0 or step == setup.steps - 1


def count_recorded(setup: Setup) -> int:
    """How many steps are recorded, if the run comes to its end."""
    return sum(is_recorded(setup, step) for step in range(setup.steps))


def is_judged(setup: Setup, step: int) -> bool:
    """Of the recorded steps every N-th, and the last one; without lockstep the first alone."""
    if not setup.lockstep:
        return step == 0
    return step // setup.record_every % setup.verdict_every == 0 or step == setup.steps - 1


def _given(setup: Setup, reference: Backend) -> Iterator[Given]:
    """What every step is given. The parameters are the reference's own: they hold until it is updated."""
    network, rng = setup.problem.network, generator(setup.seed, Stream.MASKS)
    for x, y in batches(setup):
        state = reference.state()
        buffers, optimizer = ({k: np.array(v) for k, v in held.items()} for held in (state.buffers, state.optimizer))
        yield Given(State(state.parameters, buffers, optimizer), x, y, network.draw(rng, len(x)))


def _case_of(verdict: RunVerdict, given: Given) -> Given | None:
    """A copy of what this step was given, if a step so far is a mismatch."""
    if verdict.verdict != "mismatch":
        return None
    parameters = {name: np.array(value) for name, value in given.state.parameters.items()}
    return replace(given, state=replace(given.state, parameters=parameters))


def _judge_update(
    judge: Judge, verdict: RunVerdict, recorder: Recorder, step: int, backends: Mapping[str, Backend]
) -> None:
    """Holds against each other what the backends carry after their updates."""
    comparisons = judge.compare_updates({name: backend.state() for name, backend in backends.items()})
    verdict.add_update(step, comparisons)
    recorder.write_update(step, comparisons)


def _judge_evaluation(setup: Setup, judge: Judge, verdict: RunVerdict, backends: Mapping[str, Backend]) -> None:
    """Where evaluation is another computation than training, it is judged once, at the end, on what is held out."""
    network = setup.problem.network
    if setup.held_out is None or not setup.lockstep or not (network.buffers or network.masks):
        return
    x, y = (in_dtype(v[:AT_ONCE], setup.dtype) for v in (setup.held_out.x, setup.held_out.y))
    given = Given(list(backends.values())[-1].state(), x, y, training=False)
    steps = {name: backend.step(x, y, draws={}, training=False) for name, backend in backends.items()}
    for comparison in judge.compare(given, steps, judged=True):
        verdict.take(setup.steps, in_evaluation(comparison))


def in_evaluation(comparison: Comparison) -> Comparison:
    """The same, told to be one in evaluation mode."""
    finding = "; ".join(filter(None, ["in evaluation mode, on what is held out", comparison.finding]))
    return replace(comparison, finding=finding)


def _follow(backends: Mapping[str, Backend], reference: Backend) -> None:
    """Sets all to the reference's state."""
    state = reference.state()
    for backend in backends.values():
        if backend is not reference:
            backend.load(state)
