"""Mistakes with the samples of a batch."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.layers.linear import Linear
from tests.faults.base import AtLoss, Site, WrongBackward, WrongLoss


def _weighted(dp: Array, weights: Array) -> Array:
    return np.asarray(dp * weights[:, None].astype(dp.dtype))


class LastSampleDropped(WrongLoss):
    """The last sample of a batch gives no gradient."""

    def slope(self, t: AtLoss) -> Array:
        return _weighted(t.dp, np.append(np.ones(len(t.dp) - 1), 0))


class LastSampleAlone(WrongLoss):
    """The gradients are overwritten by each sample in place of added: the last one's are left."""

    def slope(self, t: AtLoss) -> Array:
        return _weighted(t.dp, np.append(np.zeros(len(t.dp) - 1), 1))


class MiddleSampleDropped(WrongLoss):
    """The second sample of a batch gives no gradient."""

    def slope(self, t: AtLoss) -> Array:
        return _weighted(t.dp, np.where(np.arange(len(t.dp)) == 1, 0, 1))


class SampleTwice(WrongLoss):
    """The second sample of a batch counts twice."""

    def slope(self, t: AtLoss) -> Array:
        return _weighted(t.dp, np.where(np.arange(len(t.dp)) == 1, 2, 1))


class RunningAverage(WrongLoss):
    """g = (g + g_k) / 2, sample by sample: a mean that forgets the first ones."""

    def slope(self, t: AtLoss) -> Array:
        return _weighted(t.dp, 0.5 ** np.arange(len(t.dp), 0, -1))


class OverWholeData(WrongLoss):
    """The gradients of a batch are divided by the 100 samples of the whole data."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / 100)


class TargetsShifted(WrongLoss):
    """Every sample has the target of the one before it."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * (t.p - np.roll(t.y, 1, axis=0)))


class TargetsSorted(WrongLoss):
    """The targets are sorted, the samples are not."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(2 * (t.p - np.sort(t.y, axis=0)))


class ErrorScaled(WrongLoss):
    """dp is divided by its root mean square over the batch."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(t.dp / np.sqrt(np.square(t.dp).mean()))


class BiasNotSummed(WrongBackward):
    """db is the last sample's delta, not the batch's sum; right where the batch is one sample."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.linear.d_bias is not None:
            t.linear.d_bias[...] = t.delta[-1]
        return t.dx


class BiasMean(WrongBackward):
    """db is the mean over the batch."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.linear.d_bias is not None:
            t.linear.d_bias[...] = t.delta.mean(axis=0)
        return t.dx


class WeightMean(WrongBackward):
    """dW is the mean over the batch, db the sum."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        t.linear.d_weight[...] /= len(t.delta)
        return t.dx


class WeightOfSums(WrongBackward):
    """dW is the outer product of the batch's sums, in place of the sum of outer products."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        t.linear.d_weight[...] = np.outer(t.delta.sum(axis=0), t.x.sum(axis=0))
        return t.dx
