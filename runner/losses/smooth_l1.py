"""Smooth L1 loss: Huber's over beta (torch.nn.SmoothL1Loss; Girshick 2015)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.losses.huber import ScratchHuber
from runner.losses.l1 import ScratchL1
from runner.losses.reduction import Reduced

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class SmoothL1(Reduced):
    """An error is large from ``beta`` on; with beta 0 every one is, and the loss is that of absolute errors."""

    beta: float

    formula: ClassVar[str] = (
        "L = the mean of c (r - c/2) / beta, r = p - y, c = r cut off at -beta and beta, dL/dp = c / (beta n), "
        "n = samples times outputs (reduction sum: the sum, n = 1)"
    )

    def check(self) -> None:
        super().check()
        if not 0 <= self.beta < inf:
            raise ConfigError("beta", self.beta, "a number from 0")

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchSmoothL1 | ScratchL1:
        n = self.divisor(shape, replicas)
        if self.beta == 0:
            return ScratchL1(shape, empty, replicas, n)
        return ScratchSmoothL1(shape, empty, replicas, self.beta, self.beta * n)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.smooth_l1_loss(prediction, y, reduction=self.reduction, beta=self.beta)


class ScratchSmoothL1(ScratchHuber):
    """p, y and the error r = p - y of one shape (*replicas, batch, *out), m = batch times outputs, or 1 for the sum.

    c = min(max(r, -beta), beta);  n = beta m;  L = sum c (r - c / 2) / n;  dp = c / n.

    Derived in docs/derivations/smooth_l1.md.
    """
