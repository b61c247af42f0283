"""trajectories.safetensors: what some elements of every parameter were at up to 500 of the recorded steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from runner.arrays import Array, Shape
from runner.records.files import write_arrays
from runner.records.writer import Hand, at_once

POINTS, ELEMENTS = 500, 8


@dataclass(frozen=True)
class TrajectoriesState:
    """How many steps were recorded, and of the points so far their steps, (points,), and (points, elements)."""

    count: int
    steps: Array
    points: dict[str, Array]


class Trajectories:
    """``<parameter>``: (points, elements) of the reference's, before the update; ``steps``: (points,), their steps;
    ``at/<parameter>``: (elements,), their places in the flattened parameter, evenly spread.
    """

    def __init__(self, path: Path, shapes: Mapping[str, Shape], recorded: int, hand: Hand = at_once) -> None:
        self._path, self._hand = path, hand
        self._every, self._count = max(1, -(-recorded // POINTS)), 0
        sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
        self._at = {name: np.unique(np.linspace(0, size - 1, ELEMENTS).astype(np.intp)) for name, size in sizes.items()}
        self._steps: list[int] = []
        self._points: dict[str, list[Array]] = {name: [] for name in shapes}

    def add(self, step: int, parameters: Mapping[str, Array]) -> None:
        """Copies those of one recorded step, if it is one of the points."""
        self._count += 1
        if (self._count - 1) % self._every:
            return
        self._steps.append(step)
        for name, at in self._at.items():
            self._points[name].append(parameters[name].reshape(-1)[at].astype(np.float64))

    def state(self) -> TrajectoriesState:
        """What ``go_on_from`` needs."""
        points = {name: np.array(points) for name, points in self._points.items()}
        return TrajectoriesState(self._count, np.array(self._steps, np.int64), points)

    def go_on_from(self, state: TrajectoriesState) -> None:
        """Takes what ``state`` gave, of a run with as many steps."""
        self._count, self._steps = state.count, state.steps.tolist()
        self._points = {name: list(points) for name, points in state.points.items()}

    def close(self) -> None:
        """Hands over the writing of the file, if a step was recorded."""
        if not self._steps:
            return
        state = self.state()
        arrays = {"steps": state.steps, **state.points}
        arrays |= {f"at/{name}": at.astype(np.int64) for name, at in self._at.items()}
        self._hand(partial(write_arrays, self._path, arrays))
