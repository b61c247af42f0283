"""Mean, or sum, of squared errors: L = sum (p - y)^2 / n (torch.nn.MSELoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, in_single, working
from runner.losses.reduction import Reduced
from runner.losses.sse import ScratchSSE

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class MeanOfSquaredErrors(Reduced):
    """Averaged over samples and outputs, or summed."""

    formula: ClassVar[str] = (
        "L = the mean of (p - y)^2, dL/dp = 2 (p - y) / n, n = samples times outputs (reduction sum: the sum, n = 1)"
    )
    in_narrow: ClassVar[bool] = True

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchSSE:
        return (ScratchMSE if self.reduction == "mean" else ScratchSSE)(shape, empty, replicas)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.mse_loss(prediction, y, reduction=self.reduction)


class ScratchMSE(ScratchSSE):
    """p, y and the error r = p - y of one shape (*replicas, batch, *out), n = batch times outputs.

    L = sum r^2 / n;  dp = 2 r / n.

    Derived in docs/derivations/mse.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int) -> None:
        super().__init__(shape, empty, replicas)
        self.n = prod(shape[replicas:])
        self.sum = working(self.loss)
        self.multiply = in_single(np.multiply, self.loss.dtype)

    def forward(self, prediction: Array, y: Array) -> Array:
        super().forward(prediction, y)
        return np.divide(self.sum, self.n, out=self.loss)

    def backward(self) -> Array:
        return self.multiply(self.error, 2 / self.n, out=self.dp)
