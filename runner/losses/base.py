"""What a loss is: a NumPy pass from prediction and target, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from runner.arrays import Array, Shape, is_whole
from runner.errors import ConfigError

if TYPE_CHECKING:
    import torch


class LossPass(Protocol):
    """Loss and its gradient over buffers of its own; results live until the next call."""

    def forward(self, prediction: Array, y: Array) -> Array:
        """The loss, of shape (*replicas,), for a prediction (*replicas, batch, *out) and its targets.

        ``y`` has the prediction's shape or, where the loss takes class indices, that without its last axis and whole
        numbers.
        """
        ...

    def backward(self) -> Array:
        """The gradient of the loss with respect to the prediction, of the prediction's shape."""
        ...


@dataclass(frozen=True, kw_only=True)
class Loss(ABC):
    """A loss's configuration. Where an axis of a prediction holds the classes, it is the last."""

    formula: ClassVar[str] = "L as the twin in PyTorch computes it, and dL/dp of it by autograd"
    """The loss L of prediction p and target y, and dL/dp, in one line: what is told beside a mistake in them."""

    in_narrow: ClassVar[bool] = False
    """Whether its pass works on arrays of 16 bits itself; if not, it works in float32 and its results are rounded."""

    @property
    def averages(self) -> bool:
        """Whether it is a mean over the samples of a batch; if not, a sum."""
        return False

    def check(self) -> None:  # noqa: B027  (some losses have nothing to check)
        """Raises ConfigError, its key relative to ``loss``, where a value is out of range."""

    def fits(self, output_shape: Shape, y: Array) -> None:
        """Raises ConfigError where targets ``y`` (samples, ...) do not fit predictions (samples, *output_shape).

        Its key begins with ``target`` or ``architecture``.
        """
        if is_whole(y):
            allowed = "numbers (float64), or a loss that takes classes, as cross_entropy"
            raise ConfigError("target", f"class indices of shape {y.shape[1:]}", allowed)
        if y.shape[1:] != output_shape:
            raise ConfigError("architecture", f"an output of shape {output_shape}", f"the target's, {y.shape[1:]}")

    def targets(self, y: Array) -> Array:
        """Class indices ``y`` (samples, ...) as this loss takes them: itself, or numbers (samples, *out), float64."""
        return y

    def hits(self, prediction: Array, y: Array) -> Array | None:
        """Whether each prediction that counts names the right class, a bool array; None where there are no classes."""
        return None

    def undefined_at(self, prediction: Array) -> str:
        """In words, what it is not defined on in a ``prediction`` of any shape, and what helps; empty where it is."""
        return ""

    @abstractmethod
    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> LossPass:
        """The hand-derived pass for predictions of ``shape`` (*replicas, batch, *out), with ``replicas`` such axes."""

    @abstractmethod
    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The same loss in PyTorch, a scalar; class indices come as int64."""
