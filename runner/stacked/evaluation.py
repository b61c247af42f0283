"""How well each of many replicas has learnt, an epoch at a time, as `Evaluation` has it of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.arrays import Array
from runner.backends.base import Backend, Step
from runner.evaluation import Epoch, Scores, Sums, held_out_parts
from runner.stacked.slices import replica_of
from runner.stacked.stack import Stack


@dataclass
class StackedEvaluation:
    """Gathers scores over the epochs of a stack; replicas without classes and without held-out samples have none."""

    stack: Stack
    _train: dict[str, list[Sums]] = field(init=False)

    def __post_init__(self) -> None:
        self._train = self._nothing()

    def take(self, y: Array, steps: Mapping[str, Step]) -> None:
        """Takes in a training step; y is (replicas, batch, *out)."""
        loss = self.stack.first.problem.loss
        for name, step in steps.items():
            for k, sums in enumerate(self._train[name]):
                sums.add(float(step.loss[k]), 1.0, loss.hits(step.prediction[k], y[k]))

    def at_end_of(self, step: int, backends: Mapping[str, Backend]) -> list[Epoch]:
        """Each replica's scores, if an epoch ends with ``step`` and there are any."""
        if (step + 1) % self.stack.first.problem.steps_per_epoch:
            return []
        train, self._train = self._train, self._nothing()
        scores = {name: [s.scores(averaged=True) for s in sums] for name, sums in train.items()}
        if self.stack.held_out is None and all(s.accuracy is None for each in scores.values() for s in each):
            return []
        held_out = {} if self.stack.held_out is None else {n: self._held_out(b) for n, b in backends.items()}
        return [Epoch(step, _of(scores, k), _of(held_out, k)) for k in range(len(self.stack.seeds))]

    def _held_out(self, backend: Backend) -> list[Scores]:
        assert self.stack.held_out is not None
        loss, all_sums = self.stack.first.problem.loss, [Sums() for _ in self.stack.seeds]
        for x, y in held_out_parts(self.stack.held_out, self.stack.first.dtype, axis=1):
            step = backend.step(x, y, draws={}, training=False)
            for k, sums in enumerate(all_sums):
                sums.add_held_out(replica_of(step, k), y[k], loss)
        return [sums.scores(averaged=loss.averages) for sums in all_sums]

    def _nothing(self) -> dict[str, list[Sums]]:
        return {name: [Sums() for _ in self.stack.seeds] for name in self.stack.first.backends}


def _of(scores: Mapping[str, list[Scores]], k: int) -> dict[str, Scores]:
    return {name: each[k] for name, each in scores.items()}
