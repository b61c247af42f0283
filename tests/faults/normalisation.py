"""Mistakes in the normalisations of a sample by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Layer, Pass
from runner.layers.group_norm import GroupNorm
from runner.layers.layer_norm import LayerNorm
from runner.layers.rms_norm import RMSNorm
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import OtherKeys, WrongPass


class LayerNormMeanPathForgotten(WrongBackward):
    """The mean is taken as a constant on the way back."""

    kind = LayerNorm

    def spoil(self, t: Site) -> Array:
        made = t.own.standardised
        return np.asarray(t.dx + (made.rstd * made.mean_g).reshape(*t.x.shape[:-1], 1))


class LayerNormVariancePathForgotten(WrongBackward):
    """The variance is taken as a constant on the way back."""

    kind = LayerNorm

    def spoil(self, t: Site) -> Array:
        made = t.own.standardised
        return np.asarray(t.dx + (made.rstd * made.xhat * made.mean_gx).reshape(t.x.shape))


class LayerNormOverBatch(WrongBackward):
    """The means in dx are over the batch, as for batch normalisation."""

    kind = LayerNorm

    def spoil(self, t: Site) -> Array:
        made, g = t.own.standardised, t.delta * t.own.rows.weight[0]
        xhat, rstd = made.xhat, made.rstd
        return np.asarray(rstd * (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0))).reshape(t.x.shape)


class LayerNormInputForXhat(WrongBackward):
    """dW is the sum of delta x in place of delta xhat."""

    kind = LayerNorm

    def spoil(self, t: Site) -> Array:
        t.own.rows.d_weight[...] = (t.delta * t.x).reshape(-1, t.x.shape[-1]).sum(axis=0)
        return t.dx


class RMSNormRootConstant(WrongBackward):
    """dx = r W delta: the root is taken as a constant."""

    kind = RMSNorm

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.own.r * t.own.rows.weight * t.delta.reshape(t.own.rows.shape)).reshape(t.x.shape)


class RMSNormSumForMean(WrongBackward):
    """The sum of g xhat in place of its mean in dx."""

    kind = RMSNorm

    def spoil(self, t: Site) -> Array:
        own = t.own
        return np.asarray(t.dx - (own.r * own.xhat * own.mean_gx * (own.total.count - 1)).reshape(t.x.shape))


class _Centred:
    """The mean is taken off before, and on the way back."""

    def __init__(self, own: Pass) -> None:
        self.own = own

    def forward(self, x: Array) -> Array:
        return self.own.forward(x - x.mean(axis=-1, keepdims=True))

    def backward(self, delta: Array) -> Array:
        dx = self.own.backward(delta)
        return np.asarray(dx - dx.mean(axis=-1, keepdims=True))


class RMSNormCentred(WrongPass):
    """The mean is taken off, as in layer normalisation."""

    kind = RMSNorm

    def wrong(self, layer: RMSNorm, buffers: Buffers) -> Pass:
        return _Centred(layer.scratch(buffers))


class GroupNormOneGroup(OtherKeys):
    """All channels are one group."""

    kind = GroupNorm

    def other(self, layer: GroupNorm) -> Layer:
        return replace(layer, num_groups=1)


class GroupNormVariancePathForgotten(WrongBackward):
    """The variance is taken as a constant on the way back."""

    kind = GroupNorm

    def spoil(self, t: Site) -> Array:
        made = t.own.standardised
        return np.asarray(t.dx + (made.rstd * made.xhat * made.mean_gx).reshape(t.x.shape))
