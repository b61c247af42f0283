"""Mistakes in a squared error or in its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.losses.mse import ScratchMSE
from runner.losses.sse import ScratchSSE
from tests.faults.base import Altered, AtLoss, WrongLoss, with_loss


class MissingFactor(WrongLoss):
    """dp = r in place of 2 r."""

    def slope(self, t: AtLoss) -> Array:
        return t.p - t.y


class WrongSign(WrongLoss):
    """dp = 2 (y - p)."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * (t.y - t.p))


class MeanOfGradients(WrongLoss):
    """The loss is the batch's sum, its gradient the batch's mean; right where the batch is one sample."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / len(t.p))


@dataclass(frozen=True, kw_only=True)
class MeanForSum(Altered):
    """The mean of squared errors, loss and gradient, where the sum is meant."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, ScratchMSE)


class SumForMean(Altered):
    """The sum of squared errors, loss and gradient, where the mean is meant."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, ScratchSSE)


class LossHalved(WrongLoss):
    """L = sum r^2 / 2 and dp = r."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray(t.loss / 2)

    def slope(self, t: AtLoss) -> Array:
        return t.p - t.y


class LossValueHalved(WrongLoss):
    """L = sum r^2 / 2, but dp = 2 r."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray(t.loss / 2)


class TargetForgotten(WrongLoss):
    """dp = 2 p."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * t.p)


class SignOfError(WrongLoss):
    """dp = the sign of r, as for the sum of absolute errors."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(np.sign(t.p - t.y))


class RootOfLoss(WrongLoss):
    """dp = r / sqrt(L): the gradient of the loss's square root."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((t.p - t.y) / np.sqrt(t.loss))


class RootOfMean(WrongLoss):
    """dp of the square root of the mean of squared errors."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((t.p - t.y) / np.sqrt(t.loss * t.p.size))


class SquareInGradient(WrongLoss):
    """dp = 2 r^2: the error is still squared."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * np.square(t.p - t.y))


class HuberGradient(WrongLoss):
    """dp = 2 r, but no more than 0.1 either way: Huber's loss."""

    def slope(self, t: AtLoss) -> Array:
        return np.clip(t.dp, -0.1, 0.1)


class RelativeError(WrongLoss):
    """dp = 2 r / y: the error is taken relative to the target."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / t.y)


class LossBroadcast(WrongLoss):
    """(batch,) - (batch, 1) is (batch, batch): every prediction is held against every target."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray(np.square(t.p[:, 0] - t.y).sum())

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * (t.p[:, 0] - t.y).sum(axis=0)[:, None])


class BroadcastInGradient(WrongLoss):
    """The same in the gradient alone, averaged over the axis that was not there."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * (t.p - t.y[:, 0]).mean(axis=1, keepdims=True))
