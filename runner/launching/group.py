"""Jobs that train as one stack, and each of them recorded as the single run that it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.evaluation import Epoch
from runner.experiment import run_experiment
from runner.outcome import Outcome, Record, Recorder
from runner.stacked.judging import Found
from runner.stacked.looked import Detail
from runner.stacked.run import StackedOutcome, StackedRecord, run_stack
from runner.stacked.slices import part_of, replica_of
from runner.stacked.stack import refusal, stacked

Member = tuple[Setup, Recorder]


class Group:
    """Jobs that train as one stack: each begins inside the one before it, and the innermost trains them all.

    So each is in the hands of its own recorder and of Hydra from its beginning to its end.

    Args:
        begin: Begins all jobs that have not begun; each that comes to its training calls ``train``.
    """

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._members: list[Member] = []
        self._left: list[Outcome | Exception] | None = None

    def train(self, setup: Setup, recorder: Recorder) -> Outcome:
        """What ``run_experiment`` gives, with the others of the group where the run can be stacked with them.

        Raises:
            Exception: What the training of the group has raised, or the recorder of this job.
        """
        if not self._fits(setup):
            return run_experiment(setup, recorder)
        k = len(self._members)
        self._members.append((setup, recorder))
        self._begin()
        if self._left is None:
            self._left = _trained(self._members)
        left = self._left[k]
        if isinstance(left, Exception):
            raise left
        return left

    def _fits(self, setup: Setup) -> bool:
        if self._left is not None or refusal(setup) is not None:
            return False
        return not self._members or _shapes(setup) == _shapes(self._members[0][0])


def _shapes(setup: Setup) -> list[tuple[object, ...]]:
    parts = (setup, setup.held_out) if setup.held_out is not None else (setup,)
    return [(array.shape, array.dtype) for part in parts for array in (part.x, part.y)]


def _trained(members: Sequence[Member]) -> list[Outcome | Exception]:
    """What each leaves, or why it leaves nothing: an error of the training is that of all."""
    try:
        if len(members) == 1:
            return [run_experiment(*members[0])]
        order = sorted(range(len(members)), key=lambda k: members[k][0].problem.lr)  # equal ones side by side
        recorder = _Recorders([members[k] for k in order])
        outcome = run_stack(stacked([members[k][0] for k in order]), recorder)
        return [recorder.left(order.index(k), outcome) for k in range(len(members))]
    except Exception as error:  # each job tells it
        return [error] * len(members)


class _Recorders:
    """Each replica's own recorder; an error of one, of a full disk, say, ends its records and no others."""

    detail: ClassVar[Detail] = Detail.ELEMENTS

    def __init__(self, members: Sequence[Member]) -> None:
        self._recorders = [recorder for _, recorder in members]
        self._reference = list(members[0][0].backends)[-1]
        self._epochs: dict[int, Epoch] = {}
        self._failed: dict[int, Exception] = {}

    def progress(self, step: int) -> None:
        self._each(range(len(self._recorders)), lambda _k, recorder: recorder.progress(step))

    def write(self, record: StackedRecord) -> None:
        def write(k: int, recorder: Recorder) -> None:
            steps = {name: replica_of(step, k) for name, step in record.steps.items()}
            comparisons = record.found.of(k, self._reference)
            recorder.write(Record(record.step, steps, comparisons, parameters=part_of(record.parameters, k)))

        self._each(_places(record.found.wanted), write)

    def write_update(self, step: int, found: Found) -> None:
        def write(k: int, recorder: Recorder) -> None:
            recorder.write_update(step, found.of(k, self._reference))

        self._each(_places(found.wanted), write)

    def write_epoch(self, wanted: Array, epochs: Sequence[Epoch]) -> None:
        def write(k: int, recorder: Recorder) -> None:
            self._epochs[k] = epochs[k]
            recorder.write_epoch(epochs[k])

        self._each(_places(wanted), write)

    def left(self, k: int, outcome: StackedOutcome) -> Outcome | Exception:
        """What replica k leaves, or what went wrong with its records."""
        if k in self._failed:
            return self._failed[k]
        losses = {name: (float(first[k]), float(last[k])) for name, (first, last) in outcome.losses.items()}
        return Outcome(outcome.verdicts[k], losses, part_of(outcome.final, k), epoch=self._epochs.get(k))

    def _each(self, places: Sequence[int], tell: Callable[[int, Recorder], None]) -> None:
        for k in places:
            if k not in self._failed:
                try:
                    tell(k, self._recorders[k])
                except Exception as error:  # its own job tells it
                    self._failed[k] = error


def _places(wanted: Array) -> list[int]:
    return [int(k) for k in np.flatnonzero(wanted)]
