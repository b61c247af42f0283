"""Sigmoid: a = 1 / (1 + exp(-z)) (torch.nn.Sigmoid)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, in_single, working
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Sigmoid(Layer):
    """Elementwise; no parameters."""

    in_narrow: ClassVar[bool] = True

    def scratch(self, buffers: Buffers) -> ScratchSigmoid:
        return ScratchSigmoid(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Sigmoid()

    def describe(self, input_shape: Shape) -> str:
        return "Sigmoid()"


class ScratchSigmoid:
    """z, a and delta of one shape.

    a = 1 / (1 + exp(-z));  dz = delta a (1 - a).

    exp(-z) overflows to inf for z below -88 (float32 and narrower) or -709 (float64): a is then 0, as it should be.

    Derived in docs/derivations/sigmoid.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        self.a = buffers.empty(buffers.input_shape)
        self.work = working(self.a)
        self.slope = working(buffers.empty(buffers.input_shape))
        self.dz = buffers.empty(buffers.input_shape)
        self.subtract = in_single(np.subtract, self.a.dtype)
        self.one = np.ones((), self.work.dtype)  # a Python number would be converted at each call

    def forward(self, z: Array) -> Array:
        work, one = self.work, self.one
        np.negative(z, out=work)
        np.exp(work, out=work)
        np.add(work, one, out=work)
        return np.divide(one, work, out=self.a)

    def backward(self, delta: Array) -> Array:
        subtract, a = self.subtract, self.a
        slope = subtract(self.one, a, out=self.slope)
        np.multiply(slope, a, out=slope)
        return np.multiply(delta, slope, out=self.dz)
