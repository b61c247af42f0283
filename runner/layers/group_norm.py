"""GroupNorm: groups of channels of each sample to mean 0 and variance 1 (torch.nn.GroupNorm)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Parameter
from runner.layers.batch_norm import affine_of, check_eps
from runner.layers.standardising import Standardised, Totals

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class GroupNorm(Layer):
    """Samples are (channels, ...), the channels in ``num_groups`` groups; W and b (channels) where ``affine``."""

    num_groups: int
    eps: float
    affine: bool

    def check(self) -> None:
        check_eps(self.eps)
        if self.num_groups < 1:
            raise ConfigError("num_groups", self.num_groups, "a whole number from 1")

    def fewest(self, input_shape: Shape) -> int:
        return 2 if prod(input_shape) == self.num_groups else 1

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape or input_shape[0] % self.num_groups:
            raise ValueError(f"an input (channels, ...) whose channels are a multiple of num_groups, {self.num_groups}")
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return affine_of(input_shape[:1]) if self.affine else {}

    def scratch(self, buffers: Buffers) -> ScratchGroupNorm:
        return ScratchGroupNorm(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.GroupNorm(self.num_groups, input_shape[0], self.eps, self.affine)

    def describe(self, input_shape: Shape) -> str:
        told = f"eps={self.eps}, affine={self.affine}, bias={self.affine}"
        return f"GroupNorm({self.num_groups}, {input_shape[0]}, {told})"


class ScratchGroupNorm:
    """x, xhat, y, g, delta and dx (*replicas, batch, channels, ...); W and b (channels); mean, var and rstd (*replicas,
    batch, groups). Sums and means are over the n values of a group of one sample, but those of db and dW over the
    batch and all axes after the channels.

    mean = sum(x) / n;  var = sum((x - mean)^2) / n;  rstd = 1 / sqrt(var + eps).
    xhat = (x - mean) rstd;  y = W xhat + b.
    db = sum(delta);  dW = sum(delta xhat);  g = W delta.
    dx = rstd (g - mean(g) - xhat mean(g xhat)).

    Raises ValueError for a batch of one whose groups are one value each.

    Derived in docs/derivations/group_norm.md.
    """

    def __init__(self, buffers: Buffers, layer: GroupNorm) -> None:
        replicas, (channels, *points) = buffers.replicas, buffers.sample
        self.in_channels = (*buffers.lead, channels, prod(points))
        self.in_groups = (*replicas, buffers.batch * layer.num_groups, prod(buffers.sample) // layer.num_groups)
        self.standardised = Standardised(buffers, self.in_groups, layer.eps)
        self.total = Totals(buffers, self.in_channels, over_samples=True)
        self.y, self.g = buffers.empty(self.in_channels), buffers.empty(self.in_channels)
        of_channels = self.total.shape
        self.weight, self.bias, self.d_weight, self.d_bias = None, None, None, None
        if layer.affine:
            self.weight, self.bias = (buffers.parameters[k].reshape(of_channels) for k in ("weight", "bias"))
            self.d_weight, self.d_bias = (buffers.gradients[k].reshape(of_channels) for k in ("weight", "bias"))
        self.shape, self.input_gradient = buffers.input_shape, buffers.input_gradient

    def forward(self, x: Array) -> Array:
        y = self.y
        xhat = self.standardised.forward(x.reshape(self.in_groups)).reshape(self.in_channels)
        if self.weight is None or self.bias is None:
            y[...] = xhat
        else:
            np.multiply(xhat, self.weight, out=y)
            np.add(y, self.bias, out=y)
        return y.reshape(self.shape)

    def backward(self, delta: Array) -> Array:
        made, g = self.standardised, delta.reshape(self.in_channels)
        if self.d_weight is not None and self.d_bias is not None:
            self.total.of_products(g, made.xhat.reshape(self.in_channels), self.d_weight)
            self.total(g, self.d_bias)
        if self.weight is not None:
            g = np.multiply(g, self.weight, out=self.g)
        if not self.input_gradient:
            return delta
        g = g.reshape(self.in_groups)
        made.sums(g)
        return made.backward(g, made.rstd).reshape(self.shape)
