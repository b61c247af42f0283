"""Flatten: several axes as one (torch.nn.Flatten)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """The axes from ``start_dim`` to ``end_dim`` become one; axis 0 is the batch, -1 the last."""

    start_dim: int
    end_dim: int

    def check(self) -> None:
        if self.start_dim == 0:
            raise ConfigError("start_dim", 0, "a whole number other than 0: axis 0 is the batch, which stays as it is")

    def output_shape(self, input_shape: Shape) -> Shape:
        axes = len(input_shape) + 1
        start, end = (d + axes if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 1 <= start <= end < axes:
            raise ValueError(f"an input with axes from start_dim, {self.start_dim}, to end_dim, {self.end_dim}")
        return (*input_shape[: start - 1], prod(input_shape[start - 1 : end]), *input_shape[end:])

    def scratch(self, buffers: Buffers) -> ScratchFlatten:
        return ScratchFlatten(buffers, self.output_shape(buffers.sample))

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Flatten(self.start_dim, self.end_dim)

    def describe(self, input_shape: Shape) -> str:
        return f"Flatten(start_dim={self.start_dim}, end_dim={self.end_dim})"


class ScratchFlatten:
    """x and dx (*replicas, batch, *sample), y and delta of the output's shape; no value changes.

    y = x read in order;  dx = delta read in order.

    Derived in docs/derivations/flatten.md.
    """

    def __init__(self, buffers: Buffers, output_shape: Shape) -> None:
        self.of_x, self.of_y = buffers.input_shape, (*buffers.lead, *output_shape)

    def forward(self, x: Array) -> Array:
        return x.reshape(self.of_y)

    def backward(self, delta: Array) -> Array:
        return delta.reshape(self.of_x)
