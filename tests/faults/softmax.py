"""Mistakes in softmax and its logarithm as layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.arrays import Array
from runner.layers.base import Layer
from runner.layers.log_softmax import LogSoftmax
from runner.layers.softmax import Softmax
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import OtherKeys


class SoftmaxDiagonal(WrongBackward):
    """p (1 - p), the diagonal of the Jacobian alone."""

    kind = Softmax

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.y * (1 - t.y))


class SoftmaxSumForgotten(WrongBackward):
    """p delta: the sum of exponentials is taken as a constant."""

    kind = Softmax

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.y)


class SoftmaxUnweightedMean(WrongBackward):
    """The mean of delta is taken off, in place of that weighed by p."""

    kind = Softmax

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.y * (t.delta - t.delta.mean(axis=-1, keepdims=True)))


class SoftmaxOtherAxis(OtherKeys):
    """Over the other axis of the sample."""

    kind = Softmax

    def other(self, layer: Softmax) -> Layer:
        return replace(layer, dim=1)


class LogSoftmaxSumMissing(WrongBackward):
    """delta - exp(a): the sum of delta is forgotten, which is 1 for one class alone."""

    kind = LogSoftmax

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta - np.exp(t.y))


class LogSoftmaxAsSoftmax(WrongBackward):
    """The Jacobian of softmax in place of its logarithm's."""

    kind = LogSoftmax

    def spoil(self, t: Site) -> Array:
        p = np.exp(t.y)
        return np.asarray(p * (t.delta - (t.delta * p).sum(axis=-1, keepdims=True)))
