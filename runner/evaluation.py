"""How well each backend has learnt, an epoch at a time: loss and accuracy, in training and on what is held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.arrays import Array, in_dtype
from runner.assemble import Setup
from runner.backends.base import Backend, Step
from runner.backends.prediction import AT_ONCE
from runner.losses.base import Loss
from runner.samples import Learnt


@dataclass(frozen=True)
class Scores:
    """A loss and the part of the predictions that name the right class; None where there are no classes."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True)
class Epoch:
    """The scores of every backend in the epoch that ended with ``step``.

    ``train`` is gathered while the parameters move: the mean over the steps. ``held_out`` is that of the parameters
    at the epoch's end, in evaluation mode, and the loss of all these samples as one batch; empty where none are.
    """

    step: int
    train: Mapping[str, Scores]
    held_out: Mapping[str, Scores]


@dataclass
class Sums:
    """Losses, their weights, and hits."""

    loss: float = 0.0
    weight: float = 0.0
    hits: float = 0.0
    named: int = 0

    def add(self, loss: float, weight: float, hits: Array | None) -> None:
        self.loss, self.weight = self.loss + weight * loss, self.weight + weight
        if hits is not None:
            self.hits, self.named = self.hits + float(hits.sum()), self.named + hits.size

    def add_held_out(self, step: Step, y: Array, loss: Loss) -> None:
        """Takes in a step in evaluation mode on ``y`` (samples, *out)."""
        weight = float(len(y)) if loss.averages else 1.0
        self.add(float(step.loss), weight, loss.hits(np.asarray(step.prediction), y))

    def scores(self, averaged: bool) -> Scores:
        accuracy = self.hits / self.named if self.named else None
        return Scores(self.loss / self.weight if averaged else self.loss, accuracy)


@dataclass
class Evaluation:
    """Gathers scores over one run's epochs; a run without classes and without held-out samples has none.

    ``train`` are the sums of the epoch that goes on, a backend each.
    """

    setup: Setup
    train: dict[str, Sums] = field(default_factory=dict)

    def take(self, y: Array, steps: Mapping[str, Step]) -> None:
        """Takes in a training step."""
        for name, step in steps.items():
            sums = self.train.setdefault(name, Sums())
            sums.add(float(step.loss), 1.0, self.setup.problem.loss.hits(np.asarray(step.prediction), y))

    def at_end_of(self, step: int, backends: Mapping[str, Backend]) -> Epoch | None:
        """The scores, if an epoch ends with ``step`` and there are any."""
        if (step + 1) % self.setup.problem.steps_per_epoch:
            return None
        train = {name: sums.scores(averaged=True) for name, sums in self.train.items()}
        self.train = {}
        if self.setup.held_out is None and all(scores.accuracy is None for scores in train.values()):
            return None
        return Epoch(step, train, {name: s for name, b in backends.items() for s in self._held_out(b)})

    def _held_out(self, backend: Backend) -> Iterator[Scores]:
        if self.setup.held_out is None:
            return
        sums, loss = Sums(), self.setup.problem.loss
        for x, y in held_out_parts(self.setup.held_out, self.setup.dtype):
            sums.add_held_out(backend.step(x, y, draws={}, training=False), y, loss)
        yield sums.scores(averaged=loss.averages)


def held_out_parts(held_out: Learnt, dtype: np.dtype[Any], axis: int = 0) -> Iterator[tuple[Array, Array]]:
    """x and y of what is held out, in the run's dtype, some samples at once; ``axis`` is that of the samples."""
    for start in range(0, held_out.x.shape[axis], AT_ONCE):
        rows = (slice(None),) * axis + (slice(start, start + AT_ONCE),)
        yield in_dtype(held_out.x[rows], dtype), in_dtype(held_out.y[rows], dtype)
