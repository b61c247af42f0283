"""What every backend does at the end of a step: clips, updates, and moves the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem

SCHEDULE = "schedule."

Losses = float | Array
"""A loss, or one a replica, (*replicas,), float64."""


class Advancing(Protocol):
    """What a schedule moves: its own state in scalars of shape ()."""

    def advance(self, loss: Any) -> None: ...
    def state(self) -> dict[str, Array]: ...
    def load(self, state: Mapping[str, Array]) -> None: ...


class Cycle:
    """Advances a schedule after each update, or after each epoch by the mean of its losses."""

    def __init__(self, problem: Problem, moved: Advancing) -> None:
        assert problem.schedule is not None
        self._moved = moved
        self._length = problem.steps_per_epoch if problem.schedule.per == "epoch" else 1
        self._begun = {key: np.array(value) for key, value in moved.state().items()}
        self._updates = 0
        self._losses: Losses = 0.0

    def after_update(self, loss: Losses) -> None:
        """To be told the loss of the step whose gradients were used."""
        self._updates += 1
        self._losses = self._losses + loss
        if self._updates == self._length:
            self._moved.advance(self._losses / self._length)
            self._updates, self._losses = 0, 0.0

    def state(self) -> dict[str, Array]:
        """Everything in scalars of shape (), the sum of losses as these are, under names with ``schedule.`` in front.

        The best loss is left out where it is infinite: there was none yet.
        """
        found = {key: value for key, value in self._moved.state().items() if not np.isinf(value)}
        found |= {"updates": np.array(float(self._updates)), "losses": np.array(self._losses)}
        return {f"{SCHEDULE}{key}": value for key, value in found.items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """Takes what ``state`` gave; of nothing, it begins anew."""
        found = {key.removeprefix(SCHEDULE): v for key, v in state.items() if key.startswith(SCHEDULE)}
        self._updates = int(found.pop("updates", 0))
        self._losses = found.pop("losses", 0.0)
        self._moved.load(self._begun | found)


class Training:
    """Clipping, optimizer and schedule by hand, over flat vectors of parameters and gradients (*replicas, parameters).

    ``by_name`` gives the parts of such a vector under the parameters' names.
    """

    def __init__(
        self, problem: Problem, flat: Array, gradients: Array, by_name: Callable[[Array], Mapping[str, Array]]
    ) -> None:
        optimizer, self._lr, self._flat, self._views = problem.optimizer, problem.lr, flat, by_name
        self._updater = optimizer.scratch(flat, gradients)
        self._clip = None if problem.clip is None else problem.clip.scratch(gradients)
        self._rates, self._cycle = None, None
        if problem.schedule is not None:
            self._rates = problem.schedule.scratch(problem.lr, optimizer.initial_momentum(), problem.advances)
            self._cycle = Cycle(problem, self._rates)
        self._named: dict[str, tuple[Array, dict[str, Array]]] = {}

    def update(self, loss: Losses) -> None:
        """One update with what the vector of gradients holds; ``loss`` is that of the step they come from."""
        if self._clip is not None:
            self._clip()
        if self._rates is None or self._cycle is None:
            self._updater.update(self._lr)
            return
        self._updater.update(self._rates.lr, self._rates.momentum)
        self._cycle.after_update(loss)

    def state(self) -> dict[str, Array]:
        """Scalars under their names, and of each vector a view a parameter, as in ``exp_avg.input_layer.weight``."""
        found: dict[str, Array] = {}
        for kind, value in self._updater.state().items():
            found |= self._by_parameter(kind, value) if value.ndim else {kind: value}
        return found if self._cycle is None else found | self._cycle.state()

    def load(self, state: Mapping[str, Array]) -> None:
        """Takes what ``state`` gave, of this side or of another; of nothing, it begins anew."""
        if self._cycle is not None:
            self._cycle.load(state)
        own = {key: value for key, value in state.items() if not key.startswith(SCHEDULE)}
        kinds = {key: value for key, value in own.items() if not value.ndim and "." not in key}
        for kind in {key.partition(".")[0] for key in own if "." in key}:
            kinds[kind] = np.empty(self._flat.shape, self._flat.dtype)
            for name, part in self._views(kinds[kind]).items():
                part[...] = own[f"{kind}.{name}"]
        self._updater.load(kinds)

    def _by_parameter(self, kind: str, value: Array) -> dict[str, Array]:
        kept = self._named.get(kind)
        if kept is None or kept[0] is not value:
            made = {f"{kind}.{name}": v for name, v in self._views(value).items()}
            kept = self._named[kind] = (value, made)
        return kept[1]
