"""Mean of squared errors: L = sum (p - y)^2 / n (torch.nn.MSELoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, in_single, working
from runner.losses.base import Loss
from runner.losses.sse import ScratchSSE

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class MeanOfSquaredErrors(Loss):
    """Averaged over samples and outputs."""

    formula: ClassVar[str] = "L = the mean of (p - y)^2, dL/dp = 2 (p - y) / n, n = samples times outputs"

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array]) -> ScratchMSE:
        return ScratchMSE(shape, empty)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.mse_loss(prediction, y)


class ScratchMSE(ScratchSSE):
    """n = batch * out.  L = sum r^2 / n;  dp = 2 r / n."""

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array]) -> None:
        super().__init__(shape, empty)
        self.n = prod(shape[-2:])
        self.sum = working(self.loss)
        self.multiply = in_single(np.multiply, self.loss.dtype)

    def forward(self, prediction: Array, y: Array) -> Array:
        super().forward(prediction, y)
        return np.divide(self.sum, self.n, out=self.loss)

    def backward(self) -> Array:
        return self.multiply(self.error, 2 / self.n, out=self.dp)
