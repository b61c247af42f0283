"""What a schedule is: rates that are moved by hand, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from runner.arrays import Array
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import one_of

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

PER = ("step", "epoch")


class Rates(Protocol):
    """The learning rate of the next update, and its momentum or first beta; None where the schedule leaves that."""

    lr: float
    momentum: float | None

    def advance(self, loss: float) -> None:
        """To the next step or epoch; ``loss`` is that of the one that has passed."""
        ...

    def state(self) -> dict[str, Array]:
        """What it carries, under torch's names, float64 of shape () each."""
        ...

    def load(self, state: Mapping[str, Array]) -> None:
        """Takes what ``state`` gave; of nothing, it begins anew."""
        ...


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """A schedule's configuration; ``per`` is what it advances after, each step or each epoch."""

    per: str

    def check(self) -> None:
        """Raises ConfigError, its key relative to ``schedule``, where a value is out of range."""
        one_of("per", self.per, PER)

    def fits(self, optimizer: Optimizer, total: int) -> None:  # noqa: B027  (most schedules fit any)
        """Raises ConfigError, its key relative to ``schedule``, where it cannot move this optimizer ``total`` times."""

    @abstractmethod
    def scratch(self, lr: float, momentum: float | None, total: int) -> Rates:
        """Rates that begin at the run's ``lr`` and the optimizer's ``momentum``, and advance ``total`` times in it."""

    @abstractmethod
    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler | ReduceLROnPlateau | None:
        """The same schedule in PyTorch, over an optimizer with the run's learning rate; None where there is none."""


class ScratchRates(ABC):
    """A learning rate that each advance computes from the one before it.

    ``carried`` names the attributes that make up its state.
    """

    carried: tuple[str, ...] = ("lr", "last_epoch")

    def __init__(self, first: float) -> None:
        self.first = first
        self.begin()

    def begin(self) -> None:
        self.lr, self.momentum, self.last_epoch = self.first, cast(float | None, None), 0.0

    def advance(self, loss: float) -> None:
        self.last_epoch += 1
        self.lr = self.following(self.last_epoch)

    @abstractmethod
    def following(self, k: float) -> float:
        """The learning rate after advance ``k``, from ``self.lr``, that before it."""

    def state(self) -> dict[str, Array]:
        return {name: np.array(float(getattr(self, name))) for name in self.carried}

    def load(self, state: Mapping[str, Array]) -> None:
        self.begin()
        for name, value in state.items():
            if name not in self.carried:
                raise KeyError(name)
            setattr(self, name, float(value))
