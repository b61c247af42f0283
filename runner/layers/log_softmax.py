"""LogSoftmax along one axis of the sample: a = z - log sum exp(z) (torch.nn.LogSoftmax)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.base import Buffers
from runner.layers.softmax import AlongAxis, one_along

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class LogSoftmax(AlongAxis):
    """No parameters."""

    def scratch(self, buffers: Buffers) -> ScratchLogSoftmax:
        return ScratchLogSoftmax(buffers, self.axis(buffers.sample))

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.LogSoftmax(self.dim)

    def describe(self, input_shape: Shape) -> str:
        return f"LogSoftmax(dim={self.dim})"


class ScratchLogSoftmax:
    """z, a and delta of one shape; max and sum go along the axis.

    m = z - max z;  a = m - log sum exp(m);  dz = delta - exp(a) sum delta.

    Derived in docs/derivations/log_softmax.md.
    """

    def __init__(self, buffers: Buffers, axis: int) -> None:
        self.axis = axis
        self.a = buffers.empty(buffers.input_shape)
        self.dz = buffers.empty(buffers.input_shape)
        self.one = buffers.empty(one_along(buffers.input_shape, axis))

    def forward(self, z: Array) -> Array:
        axis, a, one = self.axis, self.a, self.one
        np.maximum.reduce(z, axis=axis, keepdims=True, out=one)
        np.subtract(z, one, out=a)
        np.exp(a, out=self.dz)
        np.add.reduce(self.dz, axis=axis, keepdims=True, out=one)
        np.log(one, out=one)
        return np.subtract(a, one, out=a)

    def backward(self, delta: Array) -> Array:
        dz, one = self.dz, self.one
        np.add.reduce(delta, axis=self.axis, keepdims=True, out=one)
        np.exp(self.a, out=dz)
        np.multiply(dz, one, out=dz)
        return np.subtract(delta, dz, out=dz)
