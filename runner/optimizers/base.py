"""What an optimizer is: an update of one flat vector in NumPy, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.arrays import Array

if TYPE_CHECKING:
    import torch


class Updater(Protocol):
    """Updates one flat vector of parameters (*replicas, parameters) in place, step by step."""

    def update(self, lr: float, momentum: float | None = None) -> None:
        """One step with what the vector of gradients holds, which it leaves as it is.

        ``momentum`` takes the place of the configured momentum, or of the first beta, where a schedule moves it.
        """
        ...

    def state(self) -> dict[str, Array]:
        """What it carries from step to step, under torch's names: flat vectors, and scalars of shape ().

        Views of its own arrays. What torch makes at the first step is not there before it.
        """
        ...

    def load(self, state: Mapping[str, Array]) -> None:
        """Takes a copy of what ``state`` gave; of nothing, it begins anew."""
        ...


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """An optimizer's configuration; the learning rate is the run's own key."""

    def check(self) -> None:  # noqa: B027  (some optimizers have nothing to check)
        """Raises ConfigError, its key relative to ``optimizer``, where a value is out of range."""

    def initial_momentum(self) -> float | None:
        """The momentum, or the first beta, that a schedule may move; None where there is none."""
        return None

    @abstractmethod
    def scratch(self, parameters: Array, gradients: Array) -> Updater:
        """What updates ``parameters`` by ``gradients``; both vectors are flat, (*replicas, parameters)."""

    @abstractmethod
    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The same optimizer in PyTorch."""
