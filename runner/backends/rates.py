"""What replicas with learning rates of their own do at the end of a step: the equal ones together, the others apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.backends.training import SCHEDULE, Losses

RATE = f"{SCHEDULE}lr"
"""The only number without an axis of replicas that differs with the learning rate."""


class Trains(Protocol):
    """Clips, updates and moves the learning rate, as ``Training`` does."""

    def update(self, loss: Losses) -> None: ...
    def state(self) -> dict[str, Array]: ...
    def load(self, state: Mapping[str, Array]) -> None: ...


def blocks_of(problem: Problem) -> Iterator[tuple[slice, Problem]]:
    """Which replicas have one learning rate, and their problem; one block where all have that of the problem."""
    if not problem.rates:
        yield slice(None), problem
        return
    begin = 0
    for lr, alike in groupby(problem.rates):
        end = begin + len(list(alike))
        yield slice(begin, end), replace(problem, lr=lr, rates=())
        begin = end


class Apart:
    """Some replicas after the other, each block by a ``Trains`` of its own; losses are (replicas,)."""

    def __init__(self, parts: Sequence[tuple[slice, Trains]]) -> None:
        self._parts = parts

    def update(self, loss: Losses) -> None:
        assert isinstance(loss, np.ndarray)
        for rows, part in self._parts:
            part.update(loss[rows])

    def state(self) -> dict[str, Array]:
        """Every array with its axis of replicas; numbers that are the same in all blocks stay single."""
        found = [part.state() for _, part in self._parts]
        return {key: self._joined([state[key] for state in found]) for key in found[0]}

    def load(self, state: Mapping[str, Array]) -> None:
        for rows, part in self._parts:
            mine = {key: value[rows] if value.ndim else value for key, value in state.items()}
            if RATE in mine:
                mine[RATE] = mine[RATE].reshape(-1)[0]
            part.load(mine)

    def _joined(self, values: Sequence[Array]) -> Array:
        if values[0].ndim:
            return np.concatenate(values)
        if all(value == values[0] for value in values):
            return values[0]
        return np.repeat(np.stack(values), [rows.stop - rows.start for rows, _ in self._parts])
