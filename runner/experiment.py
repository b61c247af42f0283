"""One run: the loop over steps. It knows no backend and no record by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import in_dtype
from runner.assemble import Setup
from runner.backends.base import Backend, FormError, Given, State
from runner.backends.prediction import AT_ONCE
from runner.carried import Carried, Progress
from runner.comparison.drift import Drift
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict
from runner.comparison.verdict import Judge
from runner.data.base import Stream, generator
from runner.evaluation import Evaluation
from runner.outcome import Outcome, Record, Recorder
from runner.steps import batches, is_judged, is_recorded


def run_experiment(setup: Setup, recorder: Recorder) -> Outcome:
    """Trains every backend on the same batches in the same order, and judges the recorded steps.

    With lockstep, every backend is set to the last one's state after each update, so that a deviation is one step's
    deviation; without, each follows its own path, and only the first step, where all are alike, is judged. A
    recorded step that is not finite ends the run; so does any step whose loss is not, and it is recorded. So does a
    step that has not the form of one, and it is not recorded.

    Where the recorder knows what an earlier process has come to, it goes on from there.
    """
    backends = {name: choice.make(name, setup.problem, setup.dtype) for name, choice in setup.backends.items()}
    with threadpool_limits(limits=setup.problem.threads), np.errstate(all="ignore"):
        run = _Run(setup, recorder, backends)
        carried = recorder.carried()
        if carried is None:
            run.begin()
        else:
            run.go_on_from(carried)
        run.train()
        return run.outcome()


class _Run:
    """One run, and all that it carries from step to step."""

    def __init__(self, setup: Setup, recorder: Recorder, backends: Mapping[str, Backend]) -> None:
        self._setup, self._recorder, self._backends = setup, recorder, backends
        self._reference = list(backends.values())[-1]
        self._judge = Judge(setup.problem, setup.backends, setup.dtype, updates=True)
        self._drift = Drift({} if setup.lockstep else backends, setup.dtype.name)
        self._evaluation = Evaluation(setup)
        self._masks = generator(setup.seed, Stream.MASKS)
        self._progress = Progress(RunVerdict(noise_over=self._judge.sides.noise_over))

    def begin(self) -> None:
        for backend in self._backends.values():
            backend.load(self._setup.initial)

    def go_on_from(self, carried: Carried) -> None:
        for name, backend in self._backends.items():
            backend.load(carried.states[name])
        self._judge.recall(carried.judge)
        self._drift.go_on_from(carried.drift)
        self._evaluation.train = carried.train
        self._masks.bit_generator.state = carried.masks
        self._progress = carried.progress

    def train(self) -> None:
        """All steps that are left."""
        at, every = self._progress, self._setup.checkpoint_every
        given = self._given() if not at.ended else iter(())
        while (now := next(given, None)) is not None:
            self._recorder.progress(at.step)
            if not self._step(at.step, now):
                break
            at.step += 1
            if every is not None and at.step % every == 0 and at.step < self._setup.steps:
                self._recorder.checkpoint(self._carried())
        if every is not None and not at.ended:
            at.ended = True
            self._recorder.checkpoint(self._carried())

    def outcome(self) -> Outcome:
        """What the run leaves, once all its steps are done."""
        at = self._progress
        if not at.verdict.diverged:
            _judge_evaluation(self._setup, self._judge, at.verdict, self._backends)
        last = self._reference.state()
        final = {name: np.array(value) for name, value in (*last.parameters.items(), *last.buffers.items())}
        distances = self._drift.measure(at.updates)
        return Outcome(at.verdict, at.losses, final, distances, self._drift.partings(), at.case, at.epoch)

    def _given(self) -> Iterator[Given]:
        """What every step is given. The parameters are the reference's own: they hold until it is updated."""
        network, reference = self._setup.problem.network, self._reference
        for x, y in batches(self._setup, self._progress.step):
            state = reference.state()
            buffers, optimizer = ({k: np.array(v) for k, v in h.items()} for h in (state.buffers, state.optimizer))
            yield Given(State(state.parameters, buffers, optimizer), x, y, network.draw(self._masks, len(x)))

    def _step(self, step: int, given: Given) -> bool:
        """One step, with what follows from it; whether the run goes on."""
        setup, at, backends = self._setup, self._progress, self._backends
        verdict, judged = at.verdict, is_judged(setup, step)
        try:
            steps = {name: backend.step(given.x, given.y, draws=given.draws) for name, backend in backends.items()}
            finite = all(np.isfinite(s.loss).all() for s in steps.values())
            recorded = is_recorded(setup, step) or not finite
            if recorded:
                comparisons = self._judge.compare(given, steps, judged)
        except FormError as fault:
            verdict.add(step, [self._judge.misformed(fault, given)])
            at.case = at.case or _case_of(verdict, given)
            return False
        if recorded:
            verdict.add(step, comparisons)
            at.case = at.case or _case_of(verdict, given)
            distances = self._drift.measure(at.updates)
            self._recorder.write(Record(step, steps, comparisons, distances, given.state.parameters))
            at.losses = {n: (at.losses.get(n, (float(s.loss),))[0], float(s.loss)) for n, s in steps.items()}
        if verdict.diverged:
            return False
        for backend in backends.values():
            backend.update()
        if recorded and judged and all(c.verdict == "agree" for c in comparisons):
            _judge_update(self._judge, verdict, self._recorder, step, backends)
        if setup.lockstep:
            _follow(backends, self._reference)
        at.updates += 1
        self._evaluation.take(given.y, steps)
        ended = self._evaluation.at_end_of(step, backends)
        if ended is not None:
            at.epoch = ended
            self._recorder.write_epoch(ended)
        return True

    def _carried(self) -> Carried:
        states = {name: backend.state() for name, backend in self._backends.items()}
        masks = self._masks.bit_generator.state
        measured, memory = self._drift.measured(), self._judge.memory()
        return Carried(self._progress, states, masks, self._evaluation.train, measured, memory)


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
