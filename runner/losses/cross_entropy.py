"""Cross entropy of softmax(p) and the target, from the logits p (torch.nn.CrossEntropyLoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, is_whole
from runner.errors import ConfigError
from runner.losses.binary import refuse_outside
from runner.losses.classes import ClassWeights, OfClasses

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(OfClasses):
    """Of predictions that are logits, and targets that are class indices or probabilities.

    ``label_smoothing``: how much of the target is spread evenly over all classes.
    """

    label_smoothing: float

    formula: ClassVar[str] = (
        "L = the mean of -sum w q log(softmax(p)), dL/dp = (softmax(p) sum w q - w q) / n, q = 1 at class y or the "
        "probabilities y, smoothed, w = weight or 1, n = samples, or the sum of w[y] (reduction sum: the sum, n = 1)"
    )

    def check(self) -> None:
        super().check()
        if not 0 <= self.label_smoothing <= 1:
            raise ConfigError("label_smoothing", self.label_smoothing, "a number from 0 to 1")

    def fits(self, output_shape: Shape, y: Array) -> None:
        super().fits(output_shape, y)
        if not is_whole(y):
            if self.ignore_index >= 0:
                raise ConfigError("target", "numbers", f"class indices, as loss.ignore_index is {self.ignore_index}")
            refuse_outside(y, 1.0, "class indices, or probabilities from 0 to 1")

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchCrossEntropy:
        return ScratchCrossEntropy(shape, empty, replicas, self)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        rows = prediction.reshape(-1, prediction.shape[-1])  # every position is a sample to torch
        return torch.nn.functional.cross_entropy(
            rows,
            y.reshape(rows.shape) if y.is_floating_point() else y.reshape(-1),
            weight=None if self.weight is None else prediction.new_tensor(self.weight),
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )


class ScratchCrossEntropy:
    """p, q (*replicas, batch, *positions, classes), w (classes) or 1 for each; n as in ``ClassWeights``.

    q is 1 at class y and 0 elsewhere, or the probabilities y. Max and sums go over classes, that of L over all.

    q' = (1 - label_smoothing) q + label_smoothing / classes;  g = w q', or 0 where y is ignore_index;
    m = p - max p;  e = exp(m);  l = m - log sum e;  L = -sum g l / n;
    s = e / sum e;  dp = (s sum g - g) / n.

    Derived in docs/derivations/cross_entropy.md.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, loss: CrossEntropy) -> None:
        self.weights, self.smoothing = ClassWeights(shape, empty, replicas, loss), loss.label_smoothing
        self.classes, self.hot = np.arange(shape[-1]), np.empty(shape, dtype=bool)
        self.g, self.e, self.logs = empty(shape), empty(shape), empty(shape)
        flat = (*shape[:replicas], -1)
        self.g_flat, self.logs_flat = self.g.reshape(flat), self.logs.reshape(flat)
        self.one, self.total = empty((*shape[:-1], 1)), empty((*shape[:-1], 1))
        self.dp = empty(shape)
        self.loss = empty(shape[:replicas])

    def forward(self, prediction: Array, y: Array) -> Array:
        e, logs, one, total = self.e, self.logs, self.one, self.total
        np.maximum.reduce(prediction, axis=-1, keepdims=True, out=one)
        np.subtract(prediction, one, out=logs)
        np.exp(logs, out=e)
        np.add.reduce(e, axis=-1, keepdims=True, out=total)
        np.log(total, out=one)
        np.subtract(logs, one, out=logs)
        self.place(y)
        np.vecdot(self.g_flat, self.logs_flat, out=self.loss)
        np.negative(self.loss, out=self.loss)
        return np.divide(self.loss, self.weights.n_flat, out=self.loss)

    def place(self, y: Array) -> None:
        """Writes g and n."""
        g, weight, indices = self.g, self.weights.weight, is_whole(y)
        self.weights.place(y if indices else None)
        self.sums_to_1 = indices and weight is None and not self.weights.any_ignored
        np.copyto(g, np.equal(y[..., None], self.classes, out=self.hot) if indices else y)
        if self.smoothing:
            np.multiply(g, 1 - self.smoothing, out=g)
            np.add(g, self.smoothing / len(self.classes), out=g)
        if weight is not None:
            np.multiply(g, weight, out=g)
        if self.weights.any_ignored:
            np.copyto(g, 0, where=self.weights.ignored[..., None])

    def backward(self) -> Array:
        g, dp, one = self.g, self.dp, self.one
        np.divide(self.e, self.total, out=dp)
        if not self.sums_to_1:
            np.add.reduce(g, axis=-1, keepdims=True, out=one)
            np.multiply(dp, one, out=dp)
        np.subtract(dp, g, out=dp)
        return np.divide(dp, self.weights.n, out=dp)
