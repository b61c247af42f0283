"""Softsign: a = z / (1 + |z|) (torch.nn.Softsign; Glorot and Bengio 2010)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.activation import ElementwisePass
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Softsign(Layer):
    """Elementwise; no parameters."""

    def scratch(self, buffers: Buffers) -> ScratchSoftsign:
        return ScratchSoftsign(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Softsign()

    def describe(self, input_shape: Shape) -> str:
        return "Softsign()"


class ScratchSoftsign(ElementwisePass):
    """z, a and delta of one shape.

    q = 1 + |z|;  a = z / q;  dz = delta (1 - |a|) / q.

    Derived in docs/derivations/softsign.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.q = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        q = self.q
        np.absolute(z, out=q)
        np.add(q, 1, out=q)
        return np.divide(z, q, out=self.a)

    def slopes(self) -> Array:
        slope = self.slope
        np.absolute(self.a, out=slope)
        np.subtract(1, slope, out=slope)
        return np.divide(slope, self.q, out=slope)
