"""What clipping is: gradients cut down in place in NumPy, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.arrays import Array

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Clip(ABC):
    """A way to clip, between the backward pass and the update."""

    def check(self) -> None:  # noqa: B027  (not every way has something to check)
        """Raises ConfigError, its key relative to ``clip``, where a value is out of range."""

    @abstractmethod
    def scratch(self, gradients: Array) -> Callable[[], None]:
        """What clips the flat vector ``gradients``, (*replicas, parameters), in place; each replica by itself."""

    @abstractmethod
    def torch(self, parameters: Iterable[torch.nn.Parameter]) -> Callable[[], None]:
        """The same in PyTorch, of the gradients that the parameters have when it is called."""
