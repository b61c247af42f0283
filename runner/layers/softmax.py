"""Softmax along one axis of the sample: p = exp(z) / sum exp(z) (torch.nn.Softmax)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AlongAxis(Layer):
    """``dim``: the axis, as torch counts it: 0 is the batch, 1 the sample's first axis, -1 its last."""

    dim: int

    def check(self) -> None:
        if self.dim == 0:
            raise ConfigError("dim", self.dim, "an axis of the sample, from 1, or from -1 back: 0 is the batch")

    def output_shape(self, input_shape: Shape) -> Shape:
        wanted = self.dim if self.dim > 0 else -self.dim
        if len(input_shape) < wanted:
            raise ValueError(f"an input of {wanted} {'axis' if wanted == 1 else 'axes'} or more, for dim {self.dim}")
        return input_shape

    def axis(self, sample: Shape) -> int:
        """The axis, counted from the last, -1."""
        return self.dim if self.dim < 0 else self.dim - 1 - len(sample)


@dataclass(frozen=True, kw_only=True)
class Softmax(AlongAxis):
    """No parameters."""

    def scratch(self, buffers: Buffers) -> ScratchSoftmax:
        return ScratchSoftmax(buffers, self.axis(buffers.sample))

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Softmax(self.dim)

    def describe(self, input_shape: Shape) -> str:
        return f"Softmax(dim={self.dim})"


def one_along(shape: Shape, axis: int) -> Shape:
    """``shape`` with the negative ``axis`` of length 1."""
    return (*shape[:axis], 1, *shape[len(shape) + axis + 1 :])


class ScratchSoftmax:
    """z, p and delta of one shape; max and sum go along the axis.

    e = exp(z - max z);  p = e / sum e;  dz = p (delta - sum delta p).

    Derived in docs/derivations/softmax.md.
    """

    def __init__(self, buffers: Buffers, axis: int) -> None:
        self.axis = axis
        self.p = buffers.empty(buffers.input_shape)
        self.dz = buffers.empty(buffers.input_shape)
        self.one = buffers.empty(one_along(buffers.input_shape, axis))

    def forward(self, z: Array) -> Array:
        axis, p, one = self.axis, self.p, self.one
        np.maximum.reduce(z, axis=axis, keepdims=True, out=one)
        np.subtract(z, one, out=p)
        np.exp(p, out=p)
        np.add.reduce(p, axis=axis, keepdims=True, out=one)
        return np.divide(p, one, out=p)

    def backward(self, delta: Array) -> Array:
        p, dz, one = self.p, self.dz, self.one
        np.multiply(delta, p, out=dz)
        np.add.reduce(dz, axis=self.axis, keepdims=True, out=one)
        np.subtract(delta, one, out=dz)
        return np.multiply(dz, p, out=dz)
