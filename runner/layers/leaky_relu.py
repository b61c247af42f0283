"""LeakyReLU: a = z where z > 0, else negative_slope z (torch.nn.LeakyReLU)."""

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
class LeakyReLU(Layer):
    """Elementwise; no parameters."""

    negative_slope: float

    def check(self) -> None:
        if not isfinite(self.negative_slope):
            raise ConfigError("negative_slope", self.negative_slope, "a finite number")

    def scratch(self, buffers: Buffers) -> ScratchLeakyReLU:
        return ScratchLeakyReLU(buffers, self.negative_slope)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.LeakyReLU(self.negative_slope)

    def describe(self, input_shape: Shape) -> str:
        return f"LeakyReLU(negative_slope={self.negative_slope})"


class ScratchLeakyReLU(ElementwisePass):
    """z, a and delta of one shape, s the slope.

    s = 1 where z > 0, else negative_slope (at z = 0 too, as torch has it);  a = z s;  dz = delta s.

    Derived in docs/derivations/leaky_relu.md.
    """

    def __init__(self, buffers: Buffers, negative_slope: float) -> None:
        super().__init__(buffers)
        self.negative_slope = negative_slope
        self.positive = np.empty(buffers.input_shape, dtype=bool)
        self.other = np.empty(buffers.input_shape, dtype=bool)

    def forward(self, z: Array) -> Array:
        np.greater(z, 0, out=self.positive)
        np.logical_not(self.positive, out=self.other)
        # as a sum of two terms: an assignment under a mask is many times slower
        np.copyto(self.slope, self.other)
        np.multiply(self.slope, self.negative_slope, out=self.slope)
        np.add(self.slope, self.positive, out=self.slope)
        return np.multiply(z, self.slope, out=self.a)

    def slopes(self) -> Array:
        return self.slope
