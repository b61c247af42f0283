"""Mish: a = z tanh(softplus(z)) (torch.nn.Mish; Misra 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.activation import FAR, ElementwisePass
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Mish(Layer):
    """Elementwise; no parameters."""

    def scratch(self, buffers: Buffers) -> ScratchMish:
        return ScratchMish(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Mish()

    def describe(self, input_shape: Shape) -> str:
        return "Mish()"


class ScratchMish(ElementwisePass):
    """z, a and delta of one shape.

    t = tanh(log1p(exp(z)));  a = z t;  s = 1 / (1 + exp(-z));  dz = delta (t + z (1 - t^2) s).

    exp(z) overflows to inf for z above 88 (float32) or 709 (float64): t is then 1, as it should be. Below -88 and -709
    exp(-z) does: s is then 0, as it should be.

    Derived in docs/derivations/mish.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.t = buffers.empty(buffers.input_shape)
        self.q = buffers.empty(buffers.input_shape)
        self.near = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        self.z, t = z, self.t
        np.exp(z, out=t)
        np.log1p(t, out=t)
        np.tanh(t, out=t)
        return np.multiply(z, t, out=self.a)

    def slopes(self) -> Array:
        z, t, q, near, slope = self.z, self.t, self.q, self.near, self.slope
        np.negative(z, out=q)
        np.exp(q, out=q)
        np.add(q, 1, out=q)
        np.multiply(t, t, out=slope)
        np.subtract(1, slope, out=slope)
        np.minimum(z, FAR, out=near)
        np.multiply(slope, near, out=slope)
        np.divide(slope, q, out=slope)
        return np.add(slope, t, out=slope)
