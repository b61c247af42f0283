"""Sum of squared errors: L = sum (p - y)^2 (torch.nn.MSELoss with reduction="sum")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, in_single
from runner.losses.base import Loss

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class SumOfSquaredErrors(Loss):
    """Summed over samples and outputs, not averaged."""

    formula: ClassVar[str] = "L = the sum of (p - y)^2, dL/dp = 2 (p - y)"
    in_narrow: ClassVar[bool] = True

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchSSE:
        return ScratchSSE(shape, empty, replicas)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.mse_loss(prediction, y, reduction="sum")


class ScratchSSE:
    """p, y and the error r = p - y of one shape (*replicas, batch, *out).

    L = sum r^2;  dp = 2 r.

    Derived in docs/derivations/sse.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int) -> None:
        self.error = empty(shape)
        self.flat = self.error.reshape(*shape[:replicas], -1)
        self.dp = empty(shape)
        self.loss = self.sum = empty(shape[:replicas])
        self.vecdot = in_single(np.vecdot, self.loss.dtype)

    def forward(self, prediction: Array, y: Array) -> Array:
        np.subtract(prediction, y, out=self.error)
        vecdot, flat = self.vecdot, self.flat
        vecdot(flat, flat, out=self.sum)
        return self.loss

    def backward(self) -> Array:
        return np.add(self.error, self.error, out=self.dp)
