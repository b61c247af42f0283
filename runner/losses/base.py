"""What a loss is: a NumPy pass from prediction and target, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from runner.arrays import Array, Shape

if TYPE_CHECKING:
    import torch


class LossPass(Protocol):
    """Loss and its gradient over buffers of its own; results live until the next call."""

    def forward(self, prediction: Array, y: Array) -> Array:
        """The loss, of shape () or (replicas,); ``prediction`` and ``y`` are (..., batch, out)."""
        ...

    def backward(self) -> Array:
        """The gradient of the loss with respect to the prediction, of the prediction's shape."""
        ...


@dataclass(frozen=True, kw_only=True)
class Loss(ABC):
    """A loss's configuration."""

    formula: ClassVar[str]
    """The loss L of prediction p and target y, and dL/dp, in one line."""

    @abstractmethod
    def scratch(self, shape: Shape, empty: Callable[[Shape], Array]) -> LossPass:
        """The hand-derived pass for predictions of ``shape`` (..., batch, out)."""

    @abstractmethod
    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The same loss in PyTorch, a scalar."""
