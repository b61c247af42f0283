"""Which classes are taken for which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, is_whole
from runner.assemble import Setup
from runner.losses.binary import Binary
from runner.losses.classes import OfClasses
from runner.records.learnt.predictions import can_predict, predictions
from runner.records.reading import RecordedRun

SAMPLES = 20_000
"""Samples at most; of more, so many that are evenly spread."""


@dataclass(frozen=True)
class Confusion:
    """How often each class is taken for each, ``counts`` (true, predicted), and ``title``, of which samples."""

    counts: Array
    title: str

    @property
    def shares(self) -> Array:
        """Of each true class, (true, predicted)."""
        return np.asarray(self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1))


def learnt_classes(run: RecordedRun, setup: Setup | None) -> Confusion | None:
    """Of what is held out, or else learnt from; None where there are no classes, or the network cannot be computed."""
    if setup is None or not isinstance(setup.problem.loss, Binary | OfClasses) or not can_predict(run, setup):
        return None
    part, words = (setup, "the training data") if setup.held_out is None else (setup.held_out, "what is held out")
    at = np.unique(np.linspace(0, len(part.x) - 1, min(SAMPLES, len(part.x))).astype(np.intp))
    if not are_classes(setup.problem.loss, part.y[at]):
        return None
    words += f", {len(at)} of {len(part.x)} samples" if len(at) < len(part.x) else ""
    counts = counted(setup.problem.loss, predictions(run, setup, part.x[at]), part.y[at])
    total, right = int(counts.sum()), int(np.trace(counts))
    if not total:
        return None
    accuracy = f"{100 * right / total:.2f} % right ({right} of {total})"
    return Confusion(counts, f"Predicted and true classes of {words}, with the last parameters: {accuracy}")


def are_classes(loss: Binary | OfClasses, y: Array) -> bool:
    """Whether targets ``y`` are class indices, or 0 and 1 of two classes; both kinds of loss take probabilities too."""
    return bool(((y == 0) | (y == 1)).all()) if isinstance(loss, Binary) else is_whole(y)


def counted(loss: Binary | OfClasses, prediction: Array, y: Array) -> Array:
    """How often each class is taken for each, (true, predicted), from predictions (samples, *out) and their targets.

    Of several outputs with two classes each, all are counted.
    """
    found, true = loss.named(prediction).ravel(), np.asarray(y).astype(np.intp).ravel()
    classes = 2
    if isinstance(loss, OfClasses):
        classes, counts = prediction.shape[-1], true != loss.ignore_index
        found, true = found[counts], true[counts]
    return np.bincount(true * classes + found, minlength=classes * classes).reshape(classes, classes)
