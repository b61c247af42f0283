"""Binary cross entropy of probabilities (torch.nn.BCELoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.losses.binary import Binary
from runner.losses.reduction import ReducedPass

if TYPE_CHECKING:
    import torch

LEAST_LOG, LEAST_SLOPE = -100.0, float(np.float32(1e-12))
"""Where torch cuts off logarithms, and the denominator p (1 - p): in every dtype at 1e-12 as float32 has it."""


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(Binary):
    """Of predictions that are probabilities."""

    formula: ClassVar[str] = (
        "L = the mean of -y log(p) - (1 - y) log(1 - p), dL/dp = (p - y) / (p (1 - p) n), logarithms at least -100 and "
        "p (1 - p) at least 1e-12, n = samples times outputs (reduction sum: the sum, n = 1)"
    )
    boundary: ClassVar[float] = 0.5
    meaning: ClassVar[str] = "output"

    def probability(self, prediction: Array) -> Array:
        return prediction

    def undefined_at(self, prediction: Array) -> str:
        outside = prediction[(prediction < 0) | (prediction > 1)]
        if not outside.size:
            return ""
        return (
            f"a prediction, {float(outside[0]):.9g}, lies outside 0 to 1, where bce is not defined: let the network "
            "end in a sigmoid, or take bce_with_logits"
        )

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchBCE:
        return ScratchBCE(shape, empty, replicas, self.divisor(shape, replicas))

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        if not ((prediction >= 0) & (prediction <= 1)).all():
            return (prediction * torch.nan).sum()  # torch raises here, but a run that diverged goes on to its verdict
        return torch.nn.functional.binary_cross_entropy(prediction, y, reduction=self.reduction)


class ScratchBCE(ReducedPass):
    """p and y of one shape (*replicas, batch, *out), n = batch times outputs, or 1 for the sum.

    a = max(log(p), -100);  b = max(log1p(-p), -100);  L = sum ((y - 1) b - y a) / n;
    d = max((1 - p) p, 1e-12);  dp = (p - y) / d / n.

    Derived in docs/derivations/bce.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float) -> None:
        super().__init__(shape, empty, replicas, n)
        self.logs, self.slope = empty(shape), empty(shape)

    def forward(self, prediction: Array, y: Array) -> Array:
        self.p, self.y, logs, weights, terms = prediction, y, self.logs, self.slope, self.terms
        np.negative(prediction, out=logs)
        np.log1p(logs, out=logs)
        np.maximum(logs, LEAST_LOG, out=logs)
        np.subtract(y, 1, out=weights)
        np.multiply(weights, logs, out=terms)
        np.log(prediction, out=logs)
        np.maximum(logs, LEAST_LOG, out=logs)
        np.multiply(y, logs, out=logs)
        np.subtract(terms, logs, out=terms)
        return self.reduced()

    def backward(self) -> Array:
        p, slope, dp = self.p, self.slope, self.dp
        np.subtract(1, p, out=slope)
        np.multiply(slope, p, out=slope)
        np.maximum(slope, LEAST_SLOPE, out=slope)
        np.subtract(p, self.y, out=dp)
        np.divide(dp, slope, out=dp)
        return np.multiply(dp, 1 / self.n, out=dp)
