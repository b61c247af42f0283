"""ReLU: a = max(z, 0) (torch.nn.ReLU)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class ReLU(Layer):
    """Elementwise; no parameters."""

    in_narrow: ClassVar[bool] = True

    def scratch(self, buffers: Buffers) -> ScratchReLU:
        return ScratchReLU(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.ReLU()

    def describe(self, input_shape: Shape) -> str:
        return "ReLU()"


class ScratchReLU:
    """z, a and delta of one shape.

    a = max(z, 0);  dz = delta where z > 0, else 0 (at z = 0 too, as torch has it).

    Derived in docs/derivations/relu.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        self.a = buffers.empty(buffers.input_shape)
        self.active = np.empty(buffers.input_shape, dtype=bool)
        self.dz = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        np.greater(z, 0, out=self.active)
        return np.maximum(z, 0, out=self.a)

    def backward(self, delta: Array) -> Array:
        return np.multiply(delta, self.active, out=self.dz)
