"""Mistakes in losses of numbers beyond the sum of squared errors."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.losses.base import Loss
from runner.losses.huber import Huber
from runner.losses.smooth_l1 import SmoothL1
from tests.faults.base import AtLoss, WrongLoss
from tests.faults.passes import OtherLossKeys

BETA = 0.4
"""Of the network that a wrong gradient of smooth_l1 is tried in."""


class HuberUnclipped(WrongLoss):
    """dp = r / n, however large the error is."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((t.p - t.y) / t.p.size)


class HuberSlopeOne(OtherLossKeys):
    """SmoothL1 with a beta of Huber's delta: a slope of 1 where it should be delta."""

    def other(self, loss: Huber) -> Loss:
        return SmoothL1(reduction=loss.reduction, beta=loss.delta)


class SignForHuber(WrongLoss):
    """dp = sign(r) / n, also where the error is small."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(np.sign(t.p - t.y) / t.p.size)


class SmoothL1WithoutBeta(OtherLossKeys):
    """Huber's loss: nothing is divided by beta."""

    def other(self, loss: SmoothL1) -> Loss:
        return Huber(reduction=loss.reduction, delta=loss.beta)


class SmoothL1BetaInGradient(WrongLoss):
    """dp is not divided by beta, L is: c / n."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(np.clip(t.p - t.y, -BETA, BETA) / t.p.size)


class L1Squared(WrongLoss):
    """dp = 2 r / n, as for squared errors."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * (t.p - t.y) / t.p.size)


class L1MeanForgotten(WrongLoss):
    """dp = sign(r), not divided by n."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(np.sign(t.p - t.y))


class MeanOverSamples(WrongLoss):
    """The sum of squares over the number of samples, not of samples times outputs, in L and dp."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray(t.loss * t.p.shape[-1])

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp * t.p.shape[-1])
