"""Many runs at once: the loop over steps, as `run_experiment` has it of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import Array
from runner.backends.base import Backend, Given, State, Step
from runner.backends.prediction import AT_ONCE
from runner.comparison.summary import RunVerdict
from runner.evaluation import Epoch
from runner.experiment import in_evaluation
from runner.stacked.evaluation import StackedEvaluation
from runner.stacked.judging import Found, StackedJudge
from runner.stacked.looked import Detail
from runner.stacked.slices import copied, state_of
from runner.stacked.stack import Stack
from runner.stacked.tally import Tally
from runner.steps import is_judged, is_recorded, rows_of_batches


@dataclass(frozen=True)
class StackedRecord:
    """One recorded step of the replicas that ``found.wanted`` names; the arrays hold until the next step.

    ``parameters`` are those of the reference that the step started from, (replicas, *shape) each.
    """

    step: int
    steps: Mapping[str, Step]
    found: Found
    parameters: Mapping[str, Array]


class StackedRecorder(Protocol):
    """What keeps the records of a stack.

    ``detail`` is how much it wants to be told of each step; with all of it, it is told of updates and of epochs too.
    """

    detail: ClassVar[Detail]

    def progress(self, step: int) -> None:
        """Called before each step, with its number from 0."""
        ...

    def write(self, record: StackedRecord) -> None:
        """Called after each recorded step."""
        ...

    def write_update(self, step: int, found: Found) -> None:
        """Called after the update that follows a judged step, with what the backends then carry."""
        ...

    def write_epoch(self, wanted: Array, epochs: Sequence[Epoch]) -> None:
        """Called after each epoch that was evaluated; ``wanted`` are the replicas that go on, (replicas,)."""
        ...


class Silent:
    """A recorder that keeps nothing."""

    detail: ClassVar[Detail] = Detail.VERDICT

    def progress(self, step: int) -> None:
        pass

    def write(self, record: StackedRecord) -> None:
        pass

    def write_update(self, step: int, found: Found) -> None:
        pass

    def write_epoch(self, wanted: Array, epochs: Sequence[Epoch]) -> None:
        pass


@dataclass(frozen=True)
class StackedOutcome:
    """What the runs leave, in the order of the stack.

    ``losses`` are the first and the last that were recorded, (replicas,) each, by backend; ``final`` are the parameters
    and the running averages that each run ended with, (replicas, *shape).
    """

    verdicts: list[RunVerdict]
    losses: Mapping[str, tuple[Array, Array]]
    final: Mapping[str, Array]


def run_stack(stack: Stack, recorder: StackedRecorder) -> StackedOutcome:
    """Trains every backend on all replicas, in lockstep, and judges the recorded steps of each.

    A replica whose step is not finite has ended: the others go on.
    """
    with threadpool_limits(limits=stack.first.problem.threads), np.errstate(all="ignore"):
        return _Running(stack, recorder).outcome()


@dataclass
class _Running:
    """A stack that runs. ``running`` are the replicas that have not ended, (replicas,)."""

    stack: Stack
    recorder: StackedRecorder
    backends: dict[str, Backend] = field(init=False)
    judge: StackedJudge = field(init=False)
    tally: Tally = field(init=False)
    evaluation: StackedEvaluation = field(init=False)
    running: Array = field(init=False)
    losses: dict[str, tuple[Array, Array]] = field(init=False, default_factory=dict)
    ended: dict[int, State] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        setup, replicas = self.stack.first, len(self.stack.seeds)
        self.backends = self.stack.backends()
        self.judge = StackedJudge(self.stack.problem, setup.backends, setup.dtype, replicas, self.recorder.detail)
        self.tally = Tally(replicas, self.judge.single.sides.noise_over)
        self.evaluation = StackedEvaluation(self.stack)
        self.running = np.ones(replicas, bool)

    @property
    def reference(self) -> Backend:
        return list(self.backends.values())[-1]

    def outcome(self) -> StackedOutcome:
        """Runs it."""
        for backend in self.backends.values():
            backend.load(self.stack.initial)
        for step, given in enumerate(self._given()):
            self.recorder.progress(step)
            self._train(step, given)
            if not self.running.any():
                break
        self._judge_evaluation()
        return StackedOutcome(self.tally.verdicts(), self.losses, self._final())

    def _train(self, step: int, given: Given) -> None:
        """One step, judged, and the updates that follow it."""
        setup = self.stack.first
        steps = self._steps(given)
        judged, finite = is_judged(setup, step), np.logical_and.reduce([np.isfinite(s.loss) for s in steps.values()])
        recorded = self.running if is_recorded(setup, step) else self.running & ~finite
        found = self.judge.compare(given, steps, judged, recorded) if recorded.any() else None
        if found is not None:
            self._take(step, steps, found)
        self._end()
        for backend in self.backends.values():
            backend.update()
        if found is not None and judged and (agreeing := found.agrees & self.running).any():
            self._judge_update(step, agreeing)
        state = self.reference.state()
        for backend in self.backends.values():
            if backend is not self.reference:
                backend.load(state)
        if self.recorder.detail == Detail.ELEMENTS:
            self._evaluate(step, given, steps)

    def _judge_update(self, step: int, wanted: Array) -> None:
        states = {name: backend.state() for name, backend in self.backends.items()}
        found = self.judge.compare_updates(states, wanted)
        self.tally.add_update(step, found)
        if self.recorder.detail == Detail.ELEMENTS:
            self.recorder.write_update(step, found)

    def _evaluate(self, step: int, given: Given, steps: Mapping[str, Step]) -> None:
        self.evaluation.take(given.y, steps)
        epochs = self.evaluation.at_end_of(step, self.backends)
        if epochs:
            self.recorder.write_epoch(self.running, epochs)

    def _take(self, step: int, steps: Mapping[str, Step], found: Found) -> None:
        """Keeps what was found of a step."""
        self.tally.add(step, found)
        for name, made in steps.items():
            if name not in self.losses:
                self.losses[name] = (np.array(made.loss, np.float64), np.empty(len(self.running)))
            np.copyto(self.losses[name][1], made.loss, where=found.wanted)
        self.recorder.write(StackedRecord(step, steps, found, self.reference.state().parameters))

    def _end(self) -> None:
        """Who has diverged ends with the parameters that the step started from."""
        state = self.reference.state()
        for k in np.flatnonzero(self.running & self.tally.diverged):
            self.ended[int(k)] = copied(state_of(state, int(k)))
        self.running = self.running & ~self.tally.diverged

    def _steps(self, given: Given) -> dict[str, Step]:
        return {
            name: backend.step(given.x, given.y, draws=given.draws, training=given.training)
            for name, backend in self.backends.items()
        }

    def _given(self) -> Iterator[Given]:
        """What every step is given. The parameters are the reference's own: they hold until it is updated."""
        stack = self.stack
        for rows, draws in zip(rows_of_batches(stack.first), stack.draws(), strict=True):
            state = self.reference.state()
            kept = copied(State({}, state.buffers, state.optimizer))
            yield Given(replace(kept, parameters=state.parameters), stack.x[:, rows], stack.y[:, rows], draws)

    def _judge_evaluation(self) -> None:
        """Where evaluation is another computation than training, it is judged once, at the end, on what is held out."""
        held_out, network = self.stack.held_out, self.stack.first.problem.network
        if held_out is None or not (network.buffers or network.masks) or not self.running.any():
            return
        x, y = held_out.x[:, :AT_ONCE], held_out.y[:, :AT_ONCE]
        given = Given(self.reference.state(), x, y, training=False)
        found = self.judge.compare(given, self._steps(given), True, self.running)
        told = {k: [in_evaluation(c) for c in comparisons] for k, comparisons in found.alone.items()}
        self.tally.take(self.stack.first.steps, told)

    def _final(self) -> dict[str, Array]:
        state = self.reference.state()
        final = {name: np.array(value) for name, value in (*state.parameters.items(), *state.buffers.items())}
        for k, ended in self.ended.items():
            for name, value in (*ended.parameters.items(), *ended.buffers.items()):
                final[name][k] = value
        return final
