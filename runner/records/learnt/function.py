"""The function that was learnt, beside the one that was to be learnt, and the classes that a plane is parted into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from runner.arrays import Array, is_whole
from runner.assemble import Setup
from runner.config import build
from runner.data.base import Stream, Target, generator
from runner.data.targets.base import Formula
from runner.losses.binary import Binary
from runner.losses.classes import OfClasses
from runner.records.learnt.predictions import can_predict, predictions
from runner.records.reading import RecordedRun

ACROSS, ALONG = 61, 400
"""Points of the grid: on each side of a square, and on a line."""

FARTHEST = 1e300
"""Of an input: beyond it there is no room for a grid."""

SAMPLES = 400
"""Samples that are shown at most."""


class Words(NamedTuple):
    """What is wanted and learnt, their difference, and the axis of both."""

    wanted: str
    learnt: str
    apart: str
    value: str


@dataclass(frozen=True)
class Surface:
    """One number over one or two inputs.

    Attributes:
        axes: The places along each input.
        labels: The inputs' names.
        learnt: At all points of the grid, (ALONG,) or (ACROSS, ACROSS), the first input running fastest.
        wanted: The target's formula there; None where the target has none.
        x, y: Samples (samples, inputs) and their targets (samples,).
        found: What was learnt at the samples, (samples,).
        words: What these are called.
    """

    axes: list[Array]
    labels: list[str]
    learnt: Array
    wanted: Array | None
    x: Array
    y: Array
    found: Array
    words: Words


@dataclass(frozen=True)
class Regions:
    """The class that is named at each point of a plane.

    Attributes:
        axes, labels: As of a surface.
        named: (ACROSS, ACROSS), class indices.
        x, y: Samples (samples, 2) and their classes (samples,).
        classes: How many there are.
    """

    axes: list[Array]
    labels: list[str]
    named: Array
    x: Array
    y: Array
    classes: int


def learnt_function(run: RecordedRun, setup: Setup | None) -> Surface | Regions | None:
    """Of one or two inputs and one output, or of two inputs and classes, with the last parameters.

    None of any others, and where the network cannot be computed.
    """
    if setup is None or is_whole(setup.x) or setup.x.shape[1:] not in ((1,), (2,)) or not can_predict(run, setup):
        return None
    if not (np.abs(setup.x.astype(np.float64)) <= FARTHEST).all():
        return None
    if isinstance(setup.problem.loss, OfClasses) and is_whole(setup.y):
        two_inputs_one_class = setup.x.shape[1] == 2 and setup.y.ndim == 1
        return _regions(run, setup, setup.problem.loss) if two_inputs_one_class else None
    return None if is_whole(setup.y) or setup.problem.network.output_shape != (1,) else _surface(run, setup)


def target_of(run: RecordedRun, features: int) -> Callable[[Array], Array] | None:
    """The target's formula, from x (rows, features) to (rows, out), without noise; None where it has none."""
    target = build(run.config["target"], "target", Target)
    if not isinstance(target, Formula):
        return None
    return target.formula(features, generator(run.config["seed"], Stream.TARGET))


def span(values: Array) -> tuple[float, float]:
    """From the least to the largest; of a single value, the surroundings."""
    low, high = float(values.min()), float(values.max())
    room = max(0.5, 0.01 * abs(low))
    return (low, high) if high > low else (low - room, high + room)


def _regions(run: RecordedRun, setup: Setup, loss: OfClasses) -> Regions:
    axes, points = _grid(setup.x)
    at = _some(setup.y)
    outputs = predictions(run, setup, points)
    named = loss.named(outputs).reshape(ACROSS, ACROSS)
    return Regions(axes, _labels(run, 2), named, setup.x[at].astype(np.float64), setup.y[at], outputs.shape[-1])


def _surface(run: RecordedRun, setup: Setup) -> Surface:
    """The output itself or, of two classes, the probability that the loss takes it for."""
    loss, features = setup.problem.loss, setup.x.shape[1]
    words = Words("target", "learnt", "learnt - target", "output y")
    meant: Callable[[Array], Array] = np.asarray
    if isinstance(loss, Binary):
        words = Words("class", loss.meaning, f"{loss.meaning} - class", "probability of class 1")
        meant = loss.probability
    axes, points = _grid(setup.x)
    shape = (ALONG,) if features == 1 else (ACROSS, ACROSS)
    at = _some(setup.y)
    x, y = (values[at].astype(np.float64) for values in (setup.x, setup.y))
    learnt, found = (meant(predictions(run, setup, where))[:, 0] for where in (points, x))
    formula = target_of(run, features)
    wanted = None if formula is None else formula(points)[:, 0].reshape(shape)
    return Surface(axes, _labels(run, features), learnt.reshape(shape), wanted, x, y.reshape(len(y)), found, words)


def _grid(x: Array) -> tuple[list[Array], Array]:
    """The places along each axis, and all points (points, features), the first feature's places running fastest."""
    features = x.shape[1]
    axes = [np.linspace(*span(x[:, i]), ALONG if features == 1 else ACROSS) for i in range(features)]
    return axes, np.stack([part.ravel() for part in np.meshgrid(*axes)], axis=-1)


def _some(y: Array) -> Array:
    return np.unique(np.linspace(0, len(y) - 1, min(SAMPLES, len(y))).astype(np.intp))


def _labels(run: RecordedRun, features: int) -> list[str]:
    standard = " (standardised)" if run.config["data"].get("standardise") else ""
    return [f"input x{f'_{i + 1}' if features > 1 else ''}{standard}" for i in range(features)]
