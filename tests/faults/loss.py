"""Mistakes in the gradient of the sum of squared errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.losses.mse import ScratchMSE
from runner.losses.sse import ScratchSSE
from tests.faults.base import Altered, with_loss


class _NoFactor(ScratchSSE):
    def backward(self) -> Array:
        return np.multiply(self.error, 1, out=self.dp)


class _OtherSign(ScratchSSE):
    def backward(self) -> Array:
        return np.multiply(self.error, -2, out=self.dp)


class _MeanGradient(ScratchSSE):
    def backward(self) -> Array:
        self.dp[...] = 2 / self.error.shape[-2] * self.error
        return self.dp


class _WithoutLastSample(ScratchSSE):
    def backward(self) -> Array:
        np.add(self.error, self.error, out=self.dp)
        self.dp[-1] = 0
        return self.dp


@dataclass(frozen=True, kw_only=True)
class MissingFactor(Altered):
    """dp = r in place of 2 r."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, _NoFactor)


@dataclass(frozen=True, kw_only=True)
class WrongSign(Altered):
    """dp = 2 (y - p)."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, _OtherSign)


@dataclass(frozen=True, kw_only=True)
class MeanOfGradients(Altered):
    """The loss is the batch's sum, its gradient the batch's mean; right where the batch is one sample."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, _MeanGradient)


@dataclass(frozen=True, kw_only=True)
class MeanForSum(Altered):
    """The mean of squared errors, loss and gradient, where the sum is meant."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, ScratchMSE)


@dataclass(frozen=True, kw_only=True)
class LastSampleDropped(Altered):
    """The last sample of a batch gives no gradient."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, _WithoutLastSample)
