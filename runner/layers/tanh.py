"""Tanh: a = tanh(z) (torch.nn.Tanh)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, in_single, working
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Tanh(Layer):
    """Elementwise; no parameters."""

    in_narrow: ClassVar[bool] = True

    def scratch(self, buffers: Buffers) -> ScratchTanh:
        return ScratchTanh(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Tanh()

    def describe(self, input_shape: Shape) -> str:
        return "Tanh()"


class ScratchTanh:
    """z, a and delta of one shape.

    a = tanh(z);  dz = delta (1 - a^2).

    Derived in docs/derivations/tanh.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        self.a = buffers.empty(buffers.input_shape)
        self.slope = working(buffers.empty(buffers.input_shape))
        self.dz = buffers.empty(buffers.input_shape)
        self.multiply = in_single(np.multiply, self.a.dtype)

    def forward(self, z: Array) -> Array:
        return np.tanh(z, out=self.a)

    def backward(self, delta: Array) -> Array:
        multiply, a = self.multiply, self.a
        slope = multiply(a, a, out=self.slope)
        np.subtract(1, slope, out=slope)
        return np.multiply(delta, slope, out=self.dz)
