"""Kullback-Leibler divergence of the target from log-probabilities p (torch.nn.KLDivLoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.losses.binary import refuse_outside
from runner.losses.reduction import Reduced, ReducedPass

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class KLDivergence(Reduced):
    """``log_target``: whether the targets are logarithms too. ``batchmean``: the sum over the number of samples."""

    log_target: bool

    formula: ClassVar[str] = (
        "L = the mean of q (log(q) - p), q = y, or exp(y) with log_target, dL/dp = -q / n, n = samples times outputs "
        "(reduction batchmean: the sum over n = samples; sum: the sum, n = 1)"
    )
    reductions: ClassVar[tuple[str, ...]] = ("mean", "batchmean", "sum")

    def fits(self, output_shape: Shape, y: Array) -> None:
        super().fits(output_shape, y)
        if not self.log_target:
            refuse_outside(y, inf, "numbers from 0, or loss.log_target=true for their logarithms")

    def scratch(
        self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0
    ) -> ScratchKL | ScratchKLLogTarget:
        made = ScratchKLLogTarget if self.log_target else ScratchKL
        return made(shape, empty, replicas, self.divisor(shape, replicas))

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        # torch's kl_div warns of the mean; its own batchmean is the sum over the number of samples too
        total = torch.nn.functional.kl_div(prediction, y, reduction="sum", log_target=self.log_target)
        return total / self.divisor(tuple(prediction.shape), 0)


class ScratchKL(ReducedPass):
    """p and y of one shape (*replicas, batch, *out), n as the reduction has it.

    L = sum (y log(y) - y p) / n, 0 log(0) = 0;  dp = -y / n.

    Derived in docs/derivations/kl_div.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float) -> None:
        super().__init__(shape, empty, replicas, n)
        self.product = empty(shape)
        self.least = float(np.finfo(self.loss.dtype).tiny)

    def forward(self, prediction: Array, y: Array) -> Array:
        self.y, terms, product = y, self.terms, self.product
        np.maximum(y, self.least, out=terms)
        np.log(terms, out=terms)
        np.multiply(y, terms, out=terms)
        np.multiply(y, prediction, out=product)
        np.subtract(terms, product, out=terms)
        return self.reduced()

    def backward(self) -> Array:
        return np.multiply(self.y, -1 / self.n, out=self.dp)


class ScratchKLLogTarget(ReducedPass):
    """p and y of one shape (*replicas, batch, *out), n as the reduction has it.

    q = exp(y);  L = sum q (y - p) / n;  dp = -q / n.

    Derived in docs/derivations/kl_div.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float) -> None:
        super().__init__(shape, empty, replicas, n)
        self.q = empty(shape)

    def forward(self, prediction: Array, y: Array) -> Array:
        np.exp(y, out=self.q)
        np.subtract(y, prediction, out=self.terms)
        np.multiply(self.q, self.terms, out=self.terms)
        return self.reduced()

    def backward(self) -> Array:
        return np.multiply(self.q, -1 / self.n, out=self.dp)
