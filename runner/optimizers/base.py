"""What an optimizer is: an update of one flat vector in NumPy, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.arrays import Array

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """An optimizer's configuration; the learning rate is the run's own key."""

    @abstractmethod
    def scratch(self, parameters: Array, gradients: Array, lr: float) -> Callable[[], None]:
        """A function that does one update in place; both vectors are flat, (parameters,)."""

    @abstractmethod
    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The same optimizer in PyTorch."""
