"""Mistakes in batch normalisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Layer, Pass
from runner.layers.batch_norm import BatchNorm, ScratchBatchNorm
from runner.layers.batch_norm2d import BatchNorm2d
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import OtherKeys, WrongPass


def _parts(t: Site) -> tuple[Array, Array, Any]:
    """delta and xhat (batch, channels, points) of a batch normalisation, and its right pass."""
    made: ScratchBatchNorm = t.own
    return t.delta.reshape(made.shape), made.standardised.xhat, made


def _back(t: Site, d: Array, without_weight: bool = False) -> Array:
    """dx of rstd W times ``d``."""
    made: ScratchBatchNorm = t.own
    weight = 1.0 if made.weight is None or without_weight else made.weight
    return np.asarray(d * made.standardised.rstd * weight).reshape(t.x.shape)


class BatchNormMeanPathForgotten(WrongBackward):
    """The batch's mean is taken as a constant on the way back."""

    kind = BatchNorm

    def spoil(self, t: Site) -> Array:
        d, xhat, made = _parts(t)
        return _back(t, d - xhat * made.standardised.mean_gx)


class BatchNormVariancePathForgotten(WrongBackward):
    """The batch's variance is taken as a constant on the way back."""

    kind = BatchNorm

    def spoil(self, t: Site) -> Array:
        d, _, made = _parts(t)
        return _back(t, d - made.standardised.mean_g)


class BatchNormStatisticsConstant(WrongBackward):
    """dx = W rstd delta, as in evaluation mode."""

    kind = BatchNorm

    def spoil(self, t: Site) -> Array:
        return _back(t, _parts(t)[0])


class BatchNormInputForXhat(WrongBackward):
    """dW is the sum of delta x in place of delta xhat."""

    kind = BatchNorm

    def spoil(self, t: Site) -> Array:
        t.own.d_weight[...] = (t.delta * t.x).reshape(t.own.shape).sum(axis=(0, 2)).reshape(t.own.d_weight.shape)
        return t.dx


class BatchNormWeightNotInDx(WrongBackward):
    """W does not stand in dx; right where it is 1, as at the first step."""

    kind = BatchNorm2d

    def spoil(self, t: Site) -> Array:
        d, xhat, made = _parts(t)
        return _back(t, d - made.standardised.mean_g - xhat * made.standardised.mean_gx, without_weight=True)


class _EpsOutside(ScratchBatchNorm):
    def __init__(self, buffers: Buffers, layer: BatchNorm) -> None:
        super().__init__(buffers, layer)
        made, eps = self.standardised, layer.eps

        def reciprocal_root(var: Array) -> Array:
            return np.divide(1, np.sqrt(var) + eps, out=made.rstd)

        made.reciprocal_root = reciprocal_root  # type: ignore[method-assign]


class BatchNormEpsOutside(WrongPass):
    """1 / (sqrt(var) + eps): eps outside the root."""

    kind = BatchNorm

    def wrong(self, layer: BatchNorm, buffers: Buffers) -> Pass:
        return _EpsOutside(buffers, layer)


class _Unbiased(ScratchBatchNorm):
    def __init__(self, buffers: Buffers, layer: BatchNorm) -> None:
        super().__init__(buffers, layer)
        made, right, share = self.standardised, self.standardised.reciprocal_root, self.n / (self.n - 1)
        made.reciprocal_root = lambda var: right(var * share)  # type: ignore[method-assign]


class BatchNormUnbiased(WrongPass):
    """The variance over n - 1 is what the batch is normalised by."""

    kind = BatchNorm

    def wrong(self, layer: BatchNorm, buffers: Buffers) -> Pass:
        return _Unbiased(buffers, layer)


class BatchNormMomentumSwapped(OtherKeys):
    """momentum is the share of the old in the running averages, as in Keras, not that of the new."""

    kind = BatchNorm

    def other(self, layer: BatchNorm) -> Layer:
        assert layer.momentum is not None
        return replace(layer, momentum=1 - layer.momentum)


class _BiasedRunning(ScratchBatchNorm):
    def _track(self) -> None:
        before = np.array(self.state["running_var"])
        super()._track()
        self.state["running_var"][...] = self.kept * before + self.share * self.standardised.var


class BatchNormBiasedRunningVariance(WrongPass):
    """The variance over n in the running average, in place of that over n - 1."""

    kind = BatchNorm

    def wrong(self, layer: BatchNorm, buffers: Buffers) -> Pass:
        return _BiasedRunning(buffers, layer)


class BatchNormRunningInTraining(WrongPass):
    """The running averages are what the batch is normalised by in training too; they never move."""

    kind = BatchNorm

    def wrong(self, layer: BatchNorm, buffers: Buffers) -> Pass:
        return layer.scratch(replace(buffers, training=False))


class BatchNormNeverTracked(WrongPass):
    """The running averages stay what they were."""

    kind = BatchNorm

    def wrong(self, layer: BatchNorm, buffers: Buffers) -> Pass:
        made: Any = layer.scratch(buffers)
        made.tracks = False
        return made  # type: ignore[no-any-return]


class _PerImage:
    """Each image is a batch of its own."""

    def __init__(self, layer: BatchNorm2d, buffers: Buffers) -> None:
        shape = (1, *buffers.input_shape[1:])
        self.passes: list[Any] = [
            layer.scratch(replace(buffers, input_shape=shape)) for _ in range(buffers.input_shape[0])
        ]
        self.gradients = buffers.gradients

    def forward(self, x: Array) -> Array:
        return np.concatenate([own.forward(x[n : n + 1]) for n, own in enumerate(self.passes)])

    def backward(self, delta: Array) -> Array:
        sums = {name: np.zeros_like(value) for name, value in self.gradients.items()}
        parts = []
        for n, own in enumerate(self.passes):
            parts.append(np.array(own.backward(delta[n : n + 1])))
            for name, total in sums.items():
                total += self.gradients[name]
        for name, total in sums.items():
            self.gradients[name][...] = total
        return np.concatenate(parts)


class BatchNormPerImage(WrongPass):
    """Each image by statistics of its own: instance normalisation."""

    kind = BatchNorm2d

    def wrong(self, layer: BatchNorm2d, buffers: Buffers) -> Pass:
        return _PerImage(layer, buffers)
