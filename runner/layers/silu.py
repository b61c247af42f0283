"""SiLU, or swish: a = z sigmoid(z) (torch.nn.SiLU; Elfwing et al. 2018)."""

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
class SiLU(Layer):
    """Elementwise; no parameters."""

    def scratch(self, buffers: Buffers) -> ScratchSiLU:
        return ScratchSiLU(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.SiLU()

    def describe(self, input_shape: Shape) -> str:
        return "SiLU()"


class ScratchSiLU(ElementwisePass):
    """z, a and delta of one shape.

    q = 1 + exp(-z);  a = z / q;  s = 1 / q;  dz = delta s (1 + z (1 - s)).

    Derived in docs/derivations/silu.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.q = buffers.empty(buffers.input_shape)
        self.s = buffers.empty(buffers.input_shape)
        self.near = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        self.z, q = z, self.q
        np.negative(z, out=q)
        np.exp(q, out=q)
        np.add(q, 1, out=q)
        return np.divide(z, q, out=self.a)

    def slopes(self) -> Array:
        s, near, slope = self.s, self.near, self.slope
        np.divide(1, self.q, out=s)
        np.subtract(1, s, out=slope)
        np.minimum(self.z, FAR, out=near)
        np.multiply(slope, near, out=slope)
        np.add(slope, 1, out=slope)
        return np.multiply(slope, s, out=slope)
