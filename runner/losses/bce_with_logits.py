"""Binary cross entropy of sigmoid(p), from the logits p (torch.nn.BCEWithLogitsLoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.losses.binary import Binary
from runner.losses.reduction import ReducedPass

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropyWithLogits(Binary):
    """Of predictions that are logits. ``pos_weight``: how much class 1 counts, a number an output; null: 1."""

    pos_weight: list[float] | None

    formula: ClassVar[str] = (
        "L = the mean of -w y log(s) - (1 - y) log(1 - s), s = sigmoid(p), dL/dp = ((w y + 1 - y) s - w y) / n, "
        "w = pos_weight or 1, n = samples times outputs (reduction sum: the sum, n = 1)"
    )
    boundary: ClassVar[float] = 0.0
    meaning: ClassVar[str] = "sigmoid(output)"

    def probability(self, prediction: Array) -> Array:
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * prediction))

    def check(self) -> None:
        super().check()
        if self.pos_weight is not None and not all(isfinite(w) and w >= 0 for w in self.pos_weight):
            raise ConfigError("pos_weight", self.pos_weight, "a list of numbers from 0, or null")

    def fits(self, output_shape: Shape, y: Array) -> None:
        super().fits(output_shape, y)
        if self.pos_weight is not None and output_shape[-1:] != (len(self.pos_weight),):
            raise ConfigError(
                "architecture",
                f"an output of shape {output_shape}",
                f"a last axis of {len(self.pos_weight)}, as many as loss.pos_weight has numbers",
            )

    def scratch(
        self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0
    ) -> ScratchBCEWithLogits | ScratchBCEPosWeight:
        n = self.divisor(shape, replicas)
        if self.pos_weight is None:
            return ScratchBCEWithLogits(shape, empty, replicas, n)
        return ScratchBCEPosWeight(shape, empty, replicas, n, self.pos_weight)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        weight = None if self.pos_weight is None else prediction.new_tensor(self.pos_weight)
        return torch.nn.functional.binary_cross_entropy_with_logits(
            prediction, y, reduction=self.reduction, pos_weight=weight
        )


class ScratchBCEWithLogits(ReducedPass):
    """p and y of one shape (*replicas, batch, *out), n = batch times outputs, or 1 for the sum.

    l = min(p, 0) - log1p(exp(-|p|));  L = sum ((1 - y) p - l) / n;  s = 1 / (1 + exp(-p));  dp = (s - y) / n.

    exp(-p) overflows to inf for p below -88 (float32) or -709 (float64): s is then 0, as it should be.

    Derived in docs/derivations/bce_with_logits.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float) -> None:
        super().__init__(shape, empty, replicas, n)
        self.log_s, self.work = empty(shape), empty(shape)

    def forward(self, prediction: Array, y: Array) -> Array:
        self.p, self.y, terms = prediction, y, self.terms
        log_s = self.weighted(self.log_sigmoid(prediction), y)
        np.subtract(1, y, out=terms)
        np.multiply(terms, prediction, out=terms)
        np.subtract(terms, log_s, out=terms)
        return self.reduced()

    def log_sigmoid(self, p: Array) -> Array:
        """l."""
        log_s, work = self.log_s, self.work
        np.absolute(p, out=work)
        np.negative(work, out=work)
        np.exp(work, out=work)
        np.log1p(work, out=work)
        np.minimum(p, 0, out=log_s)
        return np.subtract(log_s, work, out=log_s)

    def weighted(self, log_s: Array, y: Array) -> Array:
        """l as it enters the loss."""
        return log_s

    def sigmoid(self) -> Array:
        """s of the last prediction."""
        s = self.dp
        np.negative(self.p, out=s)
        np.exp(s, out=s)
        np.add(s, 1, out=s)
        return np.divide(1, s, out=s)

    def backward(self) -> Array:
        dp = np.subtract(self.sigmoid(), self.y, out=self.dp)
        return np.multiply(dp, 1 / self.n, out=dp)


class ScratchBCEPosWeight(ScratchBCEWithLogits):
    """p and y of one shape (*replicas, batch, *out), w of its last axis, n = batch times outputs, or 1 for the sum.

    l = min(p, 0) - log1p(exp(-|p|));  v = (w - 1) y + 1;  L = sum ((1 - y) p - v l) / n;
    s = 1 / (1 + exp(-p));  t = w y;  dp = ((t + 1 - y) s - t) / n.

    Derived in docs/derivations/bce_with_logits.md.
    """

    def __init__(
        self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float, pos_weight: list[float]
    ) -> None:
        super().__init__(shape, empty, replicas, n)
        self.w, self.w_less_1 = empty(shape[-1:]), empty(shape[-1:])
        self.w[...] = pos_weight
        np.subtract(self.w, 1, out=self.w_less_1)
        self.t = empty(shape)

    def weighted(self, log_s: Array, y: Array) -> Array:
        work = self.work
        np.multiply(self.w_less_1, y, out=work)
        np.add(work, 1, out=work)
        return np.multiply(work, log_s, out=log_s)

    def backward(self) -> Array:
        s, t, work = self.sigmoid(), self.t, self.work
        np.multiply(self.w, self.y, out=t)
        np.add(t, 1, out=work)
        np.subtract(work, self.y, out=work)
        np.multiply(work, s, out=work)
        dp = np.subtract(work, t, out=self.dp)
        return np.multiply(dp, 1 / self.n, out=dp)
