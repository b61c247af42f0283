"""What the batch normalisations have in common: their keys and their pass, whatever axes follow the channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod
from typing import ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Parameter, constant
from runner.layers.standardising import Standardised
from runner.layers.windows import filled


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    """W and b (channels) where ``affine``; running averages (channels) where ``track_running_stats``.

    ``momentum``: the weight of a new batch in the running averages; null: they are averages of all batches.
    """

    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool

    fits: ClassVar[dict[int, str]]
    """In words, the samples that it takes, by their number of axes."""

    def check(self) -> None:
        if not (isfinite(self.eps) and self.eps > 0):
            raise ConfigError("eps", self.eps, "a finite number above 0")
        if self.momentum is not None and not 0 <= self.momentum <= 1:
            raise ConfigError("momentum", self.momentum, "a number from 0 to 1, or null")

    def fewest(self, input_shape: Shape) -> int:
        return 2 if prod(input_shape[1:]) == 1 else 1

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) not in self.fits:
            raise ValueError(f"an input of {' or '.join(self.fits.values())}")
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return affine_of(input_shape[:1]) if self.affine else {}

    def buffers(self, input_shape: Shape) -> dict[str, Array]:
        if not self.track_running_stats:
            return {}
        mean, var = np.zeros(input_shape[0]), np.ones(input_shape[0])
        return {"running_mean": mean, "running_var": var, "num_batches_tracked": np.array(0, np.int64)}

    def describe(self, input_shape: Shape) -> str:
        told = f"eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.affine}"
        return f"{type(self).__name__}({input_shape[0]}, {told}, track_running_stats={self.track_running_stats})"


def check_eps(eps: float) -> None:
    """Raises ConfigError where ``eps`` is no finite number from 0."""
    if not (isfinite(eps) and eps >= 0):
        raise ConfigError("eps", eps, "a finite number from 0")


def affine_of(shape: Shape, bias: bool = True) -> dict[str, Parameter]:
    """W of ones and b of zeros."""
    weight = {"weight": Parameter(shape, 1, constant(1.0))}
    return weight | ({"bias": Parameter(shape, 1, constant(0.0))} if bias else {})


class ScratchBatchNorm:
    """The pass of every batch normalisation; its formulas stand in the classes that are made of it.

    Inside, arrays are (*replicas, batch, channels, points), statistics and parameters (*replicas, 1, channels, 1).
    """

    def __init__(self, buffers: Buffers, layer: BatchNorm) -> None:
        replicas, (channels, *points) = buffers.replicas, buffers.sample
        self.shape = (*buffers.lead, channels, prod(points))
        self.standardised = Standardised(buffers, self.shape, layer.eps, over_samples=True)
        self.n, self.momentum = self.standardised.n, layer.momentum
        self.by_batch = buffers.training or not layer.track_running_stats
        of_channels = (*replicas, 1, channels, 1)
        self.state = {
            name: value if name == "num_batches_tracked" else value.reshape(of_channels)
            for name, value in buffers.state.items()
        }
        self.tracks = layer.track_running_stats and buffers.training
        share = 1.0 if layer.momentum is None else layer.momentum
        self.share, self.kept = (filled(buffers, (*replicas, 1, 1, 1), value) for value in (share, 1 - share))
        self.unbiased, self.scale = buffers.empty(of_channels), buffers.empty(of_channels)
        self.weight, self.bias, self.d_weight, self.d_bias = None, None, None, None
        if layer.affine:
            self.weight, self.bias = (buffers.parameters[k].reshape(of_channels) for k in ("weight", "bias"))
            self.d_weight, self.d_bias = (buffers.gradients[k].reshape(of_channels) for k in ("weight", "bias"))
        self.y = buffers.empty(buffers.input_shape)
        self.y_in_channels = self.y.reshape(self.shape)
        self.input_shape, self.input_gradient = buffers.input_shape, buffers.input_gradient

    def forward(self, x: Array) -> Array:
        x, made, y = x.reshape(self.shape), self.standardised, self.y_in_channels
        if self.by_batch:
            xhat = made.forward(x)
        else:
            xhat = np.subtract(x, self.state["running_mean"], out=made.xhat)
            np.multiply(xhat, made.reciprocal_root(self.state["running_var"]), out=xhat)
        if self.tracks:
            self._track()
        if self.weight is None or self.bias is None:
            y[...] = xhat
        else:
            np.multiply(xhat, self.weight, out=y)
            np.add(y, self.bias, out=y)
        return self.y

    def _track(self) -> None:
        """Takes the batch into the running averages."""
        made, state, share, kept, unbiased = self.standardised, self.state, self.share, self.kept, self.unbiased
        tracked = np.add(state["num_batches_tracked"], 1, out=state["num_batches_tracked"])
        if self.momentum is None:
            np.divide(1, tracked[..., None, None, None], out=share)
            np.subtract(1, share, out=kept)
        np.multiply(made.var, self.n / (self.n - 1), out=unbiased)
        for name, new in (("running_mean", made.mean), ("running_var", unbiased)):
            running = state[name]
            np.multiply(running, kept, out=running)
            np.multiply(new, share, out=self.scale)
            np.add(running, self.scale, out=running)

    def backward(self, delta: Array) -> Array:
        d, made, scale = delta.reshape(self.shape), self.standardised, self.standardised.rstd
        if self.weight is not None:
            scale = np.multiply(scale, self.weight, out=self.scale)
        if self.by_batch or self.weight is not None:
            made.sums(d)
        if self.d_weight is not None and self.d_bias is not None:
            self.d_weight[...], self.d_bias[...] = made.sum_gx, made.sum_g
        if not self.input_gradient:
            return delta
        dx = made.backward(d, scale) if self.by_batch else np.multiply(d, scale, out=made.dx)
        return dx.reshape(self.input_shape)
