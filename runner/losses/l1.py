"""Mean, or sum, of absolute errors: L = sum |p - y| / n (torch.nn.L1Loss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.losses.reduction import Reduced, ReducedPass

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AbsoluteErrors(Reduced):
    """Averaged over samples and outputs, or summed."""

    formula: ClassVar[str] = (
        "L = the mean of |p - y|, dL/dp = sign(p - y) / n, n = samples times outputs (reduction sum: the sum, n = 1)"
    )

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchL1:
        return ScratchL1(shape, empty, replicas, self.divisor(shape, replicas))

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.l1_loss(prediction, y, reduction=self.reduction)


class ScratchL1(ReducedPass):
    """p, y and the error r = p - y of one shape (*replicas, batch, *out), n = batch times outputs, or 1 for the sum.

    L = sum |r| / n;  dp = sign(r) / n (0 where r = 0, as torch has it).

    Derived in docs/derivations/l1.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float) -> None:
        super().__init__(shape, empty, replicas, n)
        self.error = empty(shape)

    def forward(self, prediction: Array, y: Array) -> Array:
        np.subtract(prediction, y, out=self.error)
        np.absolute(self.error, out=self.terms)
        return self.reduced()

    def backward(self) -> Array:
        sign = np.sign(self.error, out=self.dp)
        return np.multiply(sign, 1 / self.n, out=self.dp)
