"""Huber's loss: squares of small errors, absolute values of large ones (torch.nn.HuberLoss; Huber 1964)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.losses.reduction import Reduced

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Huber(Reduced):
    """An error is large from ``delta`` on."""

    delta: float

    formula: ClassVar[str] = (
        "L = the mean of c (r - c/2), r = p - y, c = r cut off at -delta and delta, dL/dp = c / n, "
        "n = samples times outputs (reduction sum: the sum, n = 1)"
    )

    def check(self) -> None:
        super().check()
        if not 0 < self.delta < inf:
            raise ConfigError("delta", self.delta, "a number above 0")

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchHuber:
        return ScratchHuber(shape, empty, replicas, self.delta, self.divisor(shape, replicas))

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.huber_loss(prediction, y, reduction=self.reduction, delta=self.delta)


class ScratchHuber:
    """p, y and the error r = p - y of one shape (*replicas, batch, *out), n = batch times outputs, or 1 for the sum.

    c = min(max(r, -delta), delta);  L = sum c (r - c / 2) / n;  dp = c / n.

    Derived in docs/derivations/huber.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, delta: float, n: float) -> None:
        self.delta, self.n = delta, n
        self.rest, self.cut = empty(shape), empty(shape)
        flat = (*shape[:replicas], -1)
        self.rest_flat, self.cut_flat = self.rest.reshape(flat), self.cut.reshape(flat)
        self.dp = empty(shape)
        self.loss = empty(shape[:replicas])

    def forward(self, prediction: Array, y: Array) -> Array:
        error, half, cut = self.rest, self.dp, self.cut
        np.subtract(prediction, y, out=error)
        np.clip(error, -self.delta, self.delta, out=cut)
        np.multiply(cut, 0.5, out=half)
        np.subtract(error, half, out=self.rest)
        np.vecdot(self.cut_flat, self.rest_flat, out=self.loss)
        return np.divide(self.loss, self.n, out=self.loss)

    def backward(self) -> Array:
        return np.multiply(self.cut, 1 / self.n, out=self.dp)
