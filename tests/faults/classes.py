"""Mistakes in losses of classes and of probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.losses.base import Loss
from runner.losses.bce_with_logits import BinaryCrossEntropyWithLogits
from runner.losses.classes import OfClasses
from runner.losses.cross_entropy import CrossEntropy
from runner.losses.kl_div import KLDivergence
from runner.losses.nll import NegativeLogLikelihood
from tests.faults.base import Altered, AtLoss, WrongLoss
from tests.faults.passes import OtherLossKeys

CLASSES = 3
"""Of the network that a wrong smoothing is tried in."""


def _sigmoid(p: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-p)))


def _softmax(p: Array) -> Array:
    e = np.exp(p - p.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _hot(t: AtLoss) -> Array:
    """1 at each sample's class."""
    return np.asarray(t.y[..., None] == np.arange(t.p.shape[-1])).astype(t.p.dtype)


class BCEWithoutDenominator(WrongLoss):
    """dp = (p - y) / n, as for logits."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((t.p - t.y) / t.p.size)


class BCEOneSided(WrongLoss):
    """dp = -y / (p n): the term of the other class is forgotten."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(-t.y / t.p / t.p.size)


class BCEWithEpsilon(WrongLoss):
    """1e-7 is added to p (1 - p) in dp."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((t.p - t.y) / (t.p * (1 - t.p) + 1e-7) / t.p.size)


class BCELogitsSigmoidTwice(WrongLoss):
    """The sigmoid is applied once more in dp."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((_sigmoid(_sigmoid(t.p)) - t.y) / t.p.size)


class BCELogitsSlopeAgain(WrongLoss):
    """dp is multiplied by the sigmoid's slope, which is in it already."""

    def slope(self, t: AtLoss) -> Array:
        s = _sigmoid(t.p)
        return np.asarray(t.dp * s * (1 - s))


class PosWeightOnNegatives(OtherLossKeys):
    """pos_weight weighs class 0, by way of its reciprocal for class 1."""

    def other(self, loss: BinaryCrossEntropyWithLogits) -> Loss:
        assert loss.pos_weight is not None
        return replace(loss, pos_weight=[1 / w for w in loss.pos_weight])


class PosWeightNotInGradient(WrongLoss):
    """pos_weight is in L alone."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((_sigmoid(t.p) - t.y) / t.p.size)


class OneHotForgotten(WrongLoss):
    """dp = softmax(p) / n: nothing is taken off at the class."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(_softmax(t.p) / len(t.p))


class SoftmaxJacobianTwice(WrongLoss):
    """dp goes through the softmax's Jacobian, which is in it already."""

    def slope(self, t: AtLoss) -> Array:
        s = _softmax(t.p)
        return np.asarray(s * (t.dp - (t.dp * s).sum(axis=-1, keepdims=True)))


class ClassesInMean(WrongLoss):
    """Divided by samples times classes, L and dp."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray(t.loss / t.p.shape[-1])

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / t.p.shape[-1])


class CrossEntropyOfLogits(WrongLoss):
    """dp = p - onehot: the softmax is forgotten."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((t.p - _hot(t)) / len(t.p))


@dataclass(frozen=True, kw_only=True)
class WeightedByNumber(Altered):
    """The weighted sum is divided by the number of samples, not by their weights."""

    def alter(self, problem: Problem) -> Problem:
        loss = problem.loss
        assert isinstance(loss, OfClasses)
        return _OverNumber().alter(replace(problem, loss=replace(loss, reduction="sum")))


class IgnoredInMean(WeightedByNumber):
    """The mean counts the ignored samples too."""


class _OverNumber(WrongLoss):
    def value(self, t: AtLoss) -> Array:
        return np.asarray(t.loss / len(t.p))

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / len(t.p))


class SmoothedOverOthers(OtherLossKeys):
    """The smoothed part is spread over the other classes alone."""

    def other(self, loss: CrossEntropy) -> Loss:
        return replace(loss, label_smoothing=loss.label_smoothing * CLASSES / (CLASSES - 1))


class SmoothingNotInGradient(WrongLoss):
    """Labels are smoothed in L alone."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((_softmax(t.p) - _hot(t)) / len(t.p))


class NLLNextClass(WrongLoss):
    """The class after the right one: indices from 1 in place of 0, in L and dp."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray(-(t.p * self._shifted(t)).sum() / len(t.p))

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(-self._shifted(t) / len(t.p))

    def _shifted(self, t: AtLoss) -> Array:
        return np.roll(_hot(t), 1, axis=-1)


class NLLIgnoredCount(OtherLossKeys):
    """The ignored samples count like any other, in L and dp."""

    def other(self, loss: NegativeLogLikelihood) -> Loss:
        return replace(loss, ignore_index=-100)


class NLLSign(WrongLoss):
    """The gradient's sign."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(-t.dp)


class KLMeanOverSamples(OtherLossKeys):
    """The sum over the number of samples where the mean over all is meant."""

    def other(self, loss: KLDivergence) -> Loss:
        return replace(loss, reduction="batchmean")


class KLArgumentsSwapped(WrongLoss):
    """The divergence of the prediction from the target."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray((np.exp(t.p) * (t.p - np.log(t.y))).sum() / t.p.size)

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(np.exp(t.p) * (t.p - np.log(t.y) + 1) / t.p.size)


class KLOfProbabilities(WrongLoss):
    """dp = -y / exp(p) / n: p is taken for a probability."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(-t.y / np.exp(t.p) / t.p.size)
