"""Hardtanh: a = z, cut off at min_val and max_val (torch.nn.Hardtanh)."""

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
class Hardtanh(Layer):
    """Elementwise; no parameters."""

    min_val: float
    max_val: float

    def check(self) -> None:
        if not self.max_val > self.min_val:
            raise ConfigError("max_val", self.max_val, f"a number above min_val, {self.min_val}")

    def scratch(self, buffers: Buffers) -> ScratchHardtanh:
        return ScratchHardtanh(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Hardtanh(self.min_val, self.max_val)

    def describe(self, input_shape: Shape) -> str:
        return f"Hardtanh(min_val={self.min_val}, max_val={self.max_val})"


class ScratchHardtanh:
    """z, a and delta of one shape.

    a = min(max(z, min_val), max_val);  dz = delta where min_val < z < max_val, else 0 (at both edges too).

    Derived in docs/derivations/hardtanh.md.
    """

    def __init__(self, buffers: Buffers, layer: Hardtanh) -> None:
        self.min_val, self.max_val = layer.min_val, layer.max_val
        self.a = buffers.empty(buffers.input_shape)
        self.inside = np.empty(buffers.input_shape, dtype=bool)
        self.below = np.empty(buffers.input_shape, dtype=bool)
        self.dz = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        np.greater(z, self.min_val, out=self.inside)
        np.less(z, self.max_val, out=self.below)
        np.logical_and(self.inside, self.below, out=self.inside)
        return np.clip(z, self.min_val, self.max_val, out=self.a)

    def backward(self, delta: Array) -> Array:
        return np.multiply(delta, self.inside, out=self.dz)
