"""ELU: a = z where z > 0, else alpha (exp(z) - 1) (torch.nn.ELU; Clevert et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.activation import ElementwisePass
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class ELU(Layer):
    """Elementwise; no parameters."""

    alpha: float

    def check(self) -> None:
        if not isfinite(self.alpha):
            raise ConfigError("alpha", self.alpha, "a finite number")

    def scratch(self, buffers: Buffers) -> ScratchELU:
        return ScratchELU(buffers, self.alpha)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.ELU(self.alpha)

    def describe(self, input_shape: Shape) -> str:
        return f"ELU(alpha={self.alpha})"


class ScratchELU(ElementwisePass):
    """z, a and delta of one shape.

    c = alpha expm1(min(z, 0));  a = max(z, 0) + c;
    dz = delta where z > 0, else delta (c + alpha) (at z = 0 too, as torch has it).

    Derived in docs/derivations/elu.md.
    """

    def __init__(self, buffers: Buffers, alpha: float) -> None:
        super().__init__(buffers)
        self.alpha = alpha
        self.positive = np.empty(buffers.input_shape, dtype=bool)
        self.other = np.empty(buffers.input_shape, dtype=bool)
        self.curved = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        a, curved = self.a, self.curved
        np.greater(z, 0, out=self.positive)
        np.minimum(z, 0, out=curved)
        np.expm1(curved, out=curved)
        np.multiply(curved, self.alpha, out=curved)
        np.maximum(z, 0, out=a)
        return np.add(a, curved, out=a)

    def slopes(self) -> Array:
        slope = self.slope
        np.logical_not(self.positive, out=self.other)
        np.add(self.curved, self.alpha, out=slope)
        np.multiply(slope, self.other, out=slope)
        return np.add(slope, self.positive, out=slope)
