"""How a backend is made whose gradients are right and whose optimizer, schedule or clipping is wrong."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.clipping.base import Clip
from runner.optimizers.base import Optimizer, Updater
from runner.schedules.base import Rates, Schedule
from tests.faults.base import Altered

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Taken:
    """An update: p before and after it and g, flat vectors; the right updater, which has taken the step; its rate.

    ``own`` has the moments of this step, which may be written over; ``carried`` are those before it.
    """

    before: Array
    after: Array
    g: Array
    own: Any
    lr: float
    carried: Mapping[str, Array]

    @property
    def k(self) -> float:
        """The step's number, from 1, where the updater counts."""
        return float(self.own.step)

    def old(self, name: str) -> Array:
        """What was carried under a name; 0 before the first step."""
        return np.asarray(self.carried.get(name, 0 * self.g))


@dataclass(frozen=True, kw_only=True)
class WrongUpdate(Altered):
    """The optimizer's step is taken to where ``taken`` says."""

    def alter(self, problem: Problem) -> Problem:
        return replace(problem, optimizer=_OtherOptimizer(right=problem.optimizer, taken=self.taken))

    @abstractmethod
    def taken(self, t: Taken) -> Array:
        """The parameters after the step."""


@dataclass(frozen=True, kw_only=True)
class _OtherOptimizer(Optimizer):
    right: Optimizer
    taken: Callable[[Taken], Array]

    def initial_momentum(self) -> float | None:
        return self.right.initial_momentum()

    def scratch(self, parameters: Array, gradients: Array) -> Updater:
        return _Around(self.right.scratch(parameters, gradients), parameters, gradients, self.taken)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return self.right.torch(parameters, lr)


class _Around:
    """A right updater, and where its step is taken to."""

    def __init__(self, own: Updater, parameters: Array, gradients: Array, taken: Callable[[Taken], Array]) -> None:
        self.own, self.parameters, self.gradients, self.taken = own, parameters, gradients, taken

    def update(self, lr: float, momentum: float | None = None) -> None:
        before, carried = np.array(self.parameters), {n: np.array(value) for n, value in self.own.state().items()}
        self.own.update(lr, momentum)
        after = np.array(self.parameters)
        self.parameters[...] = self.taken(Taken(before, after, self.gradients, self.own, lr, carried))

    def state(self) -> dict[str, Array]:
        return self.own.state()

    def load(self, state: Mapping[str, Array]) -> None:
        self.own.load(state)


@dataclass(frozen=True, kw_only=True)
class WrongRates(Altered):
    """The learning rate is moved by the rates that ``wrong`` makes."""

    def alter(self, problem: Problem) -> Problem:
        schedule = problem.schedule
        assert schedule is not None
        return replace(problem, schedule=_OtherSchedule(per=schedule.per, right=schedule, make=self.wrong))

    @abstractmethod
    def wrong(self, schedule: Any, lr: float, total: int) -> Rates:
        """The rates that take the place of those of ``schedule``."""


@dataclass(frozen=True, kw_only=True)
class _OtherSchedule(Schedule):
    right: Schedule
    make: Callable[[Any, float, int], Rates]

    def scratch(self, lr: float, momentum: float | None, total: int) -> Rates:
        return self.make(self.right, lr, total)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> Any:
        return self.right.torch(optimizer, total)


@dataclass(frozen=True, kw_only=True)
class WrongClip(Altered):
    """The flat vector of gradients is clipped to what ``clipped`` gives."""

    def alter(self, problem: Problem) -> Problem:
        clip = problem.clip
        assert clip is not None
        shapes = [p.shape for p in problem.network.parameters.values()]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        return replace(problem, clip=_OtherClip(right=clip, clipped=lambda g: self.clipped(clip, np.split(g, ends))))

    @abstractmethod
    def clipped(self, clip: Any, gradients: list[Array]) -> Array:
        """The clipped vector, of a flat gradient for each parameter."""


@dataclass(frozen=True, kw_only=True)
class _OtherClip(Clip):
    right: Clip
    clipped: Callable[[Array], Array]

    def scratch(self, gradients: Array) -> Callable[[], None]:
        def clip() -> None:
            gradients[...] = self.clipped(gradients)

        return clip

    def torch(self, parameters: Iterable[torch.nn.Parameter]) -> Callable[[], None]:
        return self.right.torch(parameters)
