"""Several mistakes at once."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from tests.faults.activation import MissingSlope, SlopeTwice
from tests.faults.backward import WeightSign
from tests.faults.base import Altered, AtLoss, WrongLoss
from tests.faults.batch import BiasMean, LastSampleDropped, WeightMean
from tests.faults.linear import TransposedGradient
from tests.faults.loss import MissingFactor, SignOfError, WrongSign


class SlopeAndBiasMean(Altered):
    """The sigmoid's slope is left out, and db is the mean over the batch."""

    def alter(self, problem: Problem) -> Problem:
        return BiasMean().alter(MissingSlope().alter(problem))


class FactorAndTransposed(Altered):
    """The factor 2 is left out, and the square weight's gradient is transposed."""

    def alter(self, problem: Problem) -> Problem:
        return TransposedGradient().alter(MissingFactor().alter(problem))


class SignTwice(Altered):
    """The loss's gradient has the wrong sign, and so has W on the way back: every second layer is right again."""

    def alter(self, problem: Problem) -> Problem:
        return WeightSign().alter(WrongSign().alter(problem))


class CrossEntropyDelta(Altered):
    """delta = p - y behind a sigmoid, as for the cross-entropy: neither the factor 2 nor the slope is there."""

    def alter(self, problem: Problem) -> Problem:
        return MissingFactor().alter(MissingSlope().alter(problem))


class ThreeAtOnce(Altered):
    """The last sample is left out, the slope is there twice, and db is the mean over the batch."""

    def alter(self, problem: Problem) -> Problem:
        return BiasMean().alter(SlopeTwice().alter(LastSampleDropped().alter(problem)))


class TwoInOneTensor(Altered):
    """The last sample is left out, and dW is the mean over the batch."""

    def alter(self, problem: Problem) -> Problem:
        return WeightMean().alter(LastSampleDropped().alter(problem))


class SignAndBiasMean(Altered):
    """The loss's gradient is its sign alone, and db is the mean over the batch."""

    def alter(self, problem: Problem) -> Problem:
        return BiasMean().alter(SignOfError().alter(problem))


class MeanTwice(WrongLoss):
    """The gradient is divided by the number of samples twice."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / len(t.p) ** 2)
