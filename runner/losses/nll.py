"""Negative log-likelihood of a class, from log-probabilities p (torch.nn.NLLLoss)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, is_whole
from runner.errors import ConfigError
from runner.losses.classes import ClassWeights, OfClasses

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class NegativeLogLikelihood(OfClasses):
    """Of predictions that are log-probabilities, as log_softmax gives them, and targets that are class indices."""

    formula: ClassVar[str] = (
        "L = the weighted mean of -p[y], dL/dp = -w[y] / n at y and 0 elsewhere, w = weight or 1, "
        "0 at ignore_index, n = the sum of w[y] over samples (reduction sum: the weighted sum, n = 1)"
    )

    def fits(self, output_shape: Shape, y: Array) -> None:
        if not is_whole(y):
            raise ConfigError("target", "numbers", "class indices: this loss takes no probabilities")
        super().fits(output_shape, y)

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchNLL:
        return ScratchNLL(shape, empty, replicas, self)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        import torch

        weight = None if self.weight is None else prediction.new_tensor(self.weight)
        rows = prediction.reshape(-1, prediction.shape[-1])  # every position is a sample to torch
        return torch.nn.functional.nll_loss(
            rows, y.reshape(-1), weight=weight, reduction=self.reduction, ignore_index=self.ignore_index
        )


class ScratchNLL:
    """p (*replicas, batch, *positions, classes); y and p[y] of its shape but classes; w and n as in ``ClassWeights``.

    L = -sum w[y] p[y] / n;  dp = -w[y] / n at y, else 0.

    Derived in docs/derivations/nll.md.
    """

    def __init__(
        self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, loss: NegativeLogLikelihood
    ) -> None:
        self.weights = ClassWeights(shape, empty, replicas, loss)
        # where each position's classes begin in a flat view
        self.begins = (np.arange(prod(shape[:-1])) * shape[-1]).reshape(shape[:-1])
        self.at = np.empty_like(self.begins)
        self.at_y, self.step = empty(shape[:-1]), empty(shape[:-1])
        self.at_y_flat = self.at_y.reshape(*shape[:replicas], -1)
        self.dp = empty(shape)
        self.dp_flat = self.dp.reshape(-1)
        self.loss = empty(shape[:replicas])

    def forward(self, prediction: Array, y: Array) -> Array:
        weights = self.weights
        weights.place(y)
        np.add(y, self.begins, out=self.at)
        if weights.any_ignored:  # y may be none of the classes there
            np.copyto(self.at, self.begins, where=weights.ignored)
        np.take(prediction.reshape(-1), self.at, out=self.at_y)
        if weights.any_ignored:  # -inf, say, which 0 does not take away
            np.copyto(self.at_y, 0, where=weights.ignored)
        np.vecdot(weights.picked_flat, self.at_y_flat, out=self.loss)
        np.negative(self.loss, out=self.loss)
        return np.divide(self.loss, weights.n_flat, out=self.loss)

    def backward(self) -> Array:
        step = np.negative(self.weights.picked, out=self.step)
        np.divide(step, self.weights.n[..., 0], out=step)
        self.dp[...] = 0
        self.dp_flat[self.at] = step
        return self.dp
