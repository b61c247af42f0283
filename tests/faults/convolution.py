"""Mistakes in convolutions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Pass
from runner.layers.conv1d import Conv1d
from runner.layers.conv2d import Conv2d
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import WrongPass


def _through(t: Site, weight: Array) -> Array:
    """dx through a kernel of W's shape inside the pass, (1, groups, out / groups, taps)."""
    own = t.own
    wide = own.image.widen(t.delta).reshape(*own.of_delta[:-1], -1)
    own.times(np.ascontiguousarray(weight.mT), wide, out=own.d_windows)
    return np.asarray(own.image.put_together())


class _Flipped:
    """A pass over copies of the parameters whose kernel is turned round."""

    def __init__(self, layer: Conv1d | Conv2d, buffers: Buffers) -> None:
        self.given = buffers
        self.axes = tuple(range(2, buffers.parameters["weight"].ndim))
        self.parameters, self.gradients = (
            {name: np.array(value) for name, value in held.items()} for held in (buffers.parameters, buffers.gradients)
        )
        self.own: Any = layer.scratch(replace(buffers, parameters=self.parameters, gradients=self.gradients))

    def forward(self, x: Array) -> Array:
        for name, value in self.given.parameters.items():
            self.parameters[name][...] = np.flip(value, self.axes) if name == "weight" else value
        return np.asarray(self.own.forward(x))

    def backward(self, delta: Array) -> Array:
        dx = self.own.backward(delta)
        for name, value in self.gradients.items():
            self.given.gradients[name][...] = np.flip(value, self.axes) if name == "weight" else value
        return np.asarray(dx)


class ConvKernelFlipped(WrongPass):
    """The kernel is turned round, as in mathematics' convolution."""

    kind = Conv2d

    def wrong(self, layer: Conv2d, buffers: Buffers) -> Pass:
        return _Flipped(layer, buffers)


class ConvGradientUnflipped(WrongBackward):
    """delta goes back through the kernel as it is, not turned round."""

    kind = Conv2d

    def spoil(self, t: Site) -> Array:
        if t.own.image is None:
            return t.dx
        weight = t.own.weight
        points = weight.reshape(*weight.shape[:-1], t.x.shape[1], -1)
        return _through(t, np.ascontiguousarray(points[..., ::-1]).reshape(weight.shape))


class ConvKernelTransposed(WrongBackward):
    """Height and width of the kernel are exchanged in dW."""

    kind = Conv2d

    def spoil(self, t: Site) -> Array:
        d = t.own.sum_products.d_weight
        side = int(np.sqrt(d.shape[-1] // t.x.shape[1]))
        d[...] = np.array(d).reshape(-1, side, side).swapaxes(-1, -2).reshape(d.shape)
        return t.dx


class ConvLastPosition(WrongBackward):
    """dW of the last position alone: it is overwritten in place of added."""

    kind = Conv2d

    def spoil(self, t: Site) -> Array:
        delta = t.delta.reshape(t.own.of_delta)
        t.own.sum_products.d_weight[...] = (delta[..., -1:] @ t.own.x[..., -1:].mT).sum(axis=0)
        return t.dx


class ConvPaddingNotCropped(WrongBackward):
    """dx is the corner of the padded image's gradient, not its middle."""

    kind = Conv2d

    def spoil(self, t: Site) -> Array:
        if t.own.image is None:
            return t.dx
        height, width = t.x.shape[-2:]
        return np.array(t.own.image.padded[..., :height, :width])


class ConvGroupsMixed(WrongBackward):
    """Each group's dx is put where the next group's belongs."""

    kind = Conv2d

    def spoil(self, t: Site) -> Array:
        return np.roll(t.dx, t.x.shape[1] // t.own.of_delta[1], axis=1)


class ConvBiasMean(WrongBackward):
    """db is the mean over the positions, in place of the sum."""

    kind = Conv2d

    def spoil(self, t: Site) -> Array:
        t.own.d_bias[...] /= t.own.of_delta[-1]
        return t.dx


class ConvBiasOfOnePosition(WrongBackward):
    """db is summed over the batch at the first position alone."""

    kind = Conv1d

    def spoil(self, t: Site) -> Array:
        t.own.d_bias[...] = t.delta[..., 0].sum(axis=0)
        return t.dx


class ConvStrideIgnored(WrongBackward):
    """What goes back is put down as if the windows had stood side by side."""

    kind = Conv1d

    def spoil(self, t: Site) -> Array:
        dx = np.zeros_like(t.x)
        points = t.own.image.d
        for k in range(points.shape[2]):
            dx[..., k : k + points.shape[3]] += points[:, :, k]
        return dx


class ConvDilationIgnored(WrongBackward):
    """dW as if the kernel's points lay side by side."""

    kind = Conv1d

    def spoil(self, t: Site) -> Array:
        d, outputs = t.own.sum_products.d_weight, t.delta.shape[-1]
        taps = d.shape[-1] // t.x.shape[1]
        near = np.stack([t.x[..., k : k + outputs] for k in range(taps)], axis=2)
        d[...] = np.tensordot(t.delta, near, axes=((0, 2), (0, 3))).reshape(d.shape)
        return t.dx


class ConvInputChannelsReversed(WrongBackward):
    """The channels of the input come back in the other order."""

    kind = Conv1d

    def spoil(self, t: Site) -> Array:
        return np.ascontiguousarray(t.dx[:, ::-1])
