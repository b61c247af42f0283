"""SELU: ELU with constants that keep mean 0 and variance 1 (torch.nn.SELU; Klambauer et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.activation import ElementwisePass
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch

ALPHA = 1.6732632423543772848170429916717
SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True, kw_only=True)
class SELU(Layer):
    """Elementwise; no parameters."""

    def scratch(self, buffers: Buffers) -> ScratchSELU:
        return ScratchSELU(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.SELU()

    def describe(self, input_shape: Shape) -> str:
        return "SELU()"


class ScratchSELU(ElementwisePass):
    """z, a and delta of one shape, alpha = 1.6732632423543772 and scale = 1.0507009873554805.

    c = scale alpha expm1(min(z, 0));  a = scale max(z, 0) + c;
    dz = delta scale where z > 0, else delta (c + scale alpha) (at z = 0 too, as torch has it).

    Derived in docs/derivations/selu.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.positive = np.empty(buffers.input_shape, dtype=bool)
        self.other = np.empty(buffers.input_shape, dtype=bool)
        self.curved = buffers.empty(buffers.input_shape)
        self.linear = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        a, curved = self.a, self.curved
        np.greater(z, 0, out=self.positive)
        np.minimum(z, 0, out=curved)
        np.expm1(curved, out=curved)
        np.multiply(curved, SCALE * ALPHA, out=curved)
        np.maximum(z, 0, out=a)
        np.multiply(a, SCALE, out=a)
        return np.add(a, curved, out=a)

    def slopes(self) -> Array:
        slope, linear = self.slope, self.linear
        np.logical_not(self.positive, out=self.other)
        np.add(self.curved, SCALE * ALPHA, out=slope)
        np.multiply(slope, self.other, out=slope)
        np.multiply(self.positive, SCALE, out=linear)
        return np.add(slope, linear, out=slope)
