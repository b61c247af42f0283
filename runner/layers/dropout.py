"""Dropout: every number is dropped with probability p, the others are divided by 1 - p (torch.nn.Dropout)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Mask

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Dropout(Layer):
    """Drops with probability ``p`` while training; the identity in evaluation mode."""

    p: float

    def check(self) -> None:
        if not 0 <= self.p <= 1:
            raise ConfigError("p", self.p, "a number from 0 to 1")

    def masks(self, input_shape: Shape) -> dict[str, Mask]:
        return {"mask": Mask(input_shape, self.p)}

    def scratch(self, buffers: Buffers) -> ScratchDropout:
        return ScratchDropout(self, buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        class DropoutModule(torch.nn.Dropout):
            mask: torch.Tensor | None = None

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                if self.mask is None or not self.training:
                    return super().forward(x)
                noise = self.mask.to(x.dtype)
                return x * (noise if self.p == 1 else noise / (1 - self.p))

            def _get_name(self) -> str:
                return "Dropout"

        return DropoutModule(self.p)

    def describe(self, input_shape: Shape) -> str:
        return f"Dropout(p={self.p}, inplace=False)"


class ScratchDropout:
    """x, y, delta, dx and mask (1 where kept, 0 where dropped) of one shape (*replicas, batch, *sample).

    y = x (mask / (1 - p));  dx = delta (mask / (1 - p)).

    Where p is 1 all is dropped, and there is nothing to divide. In evaluation mode x and delta are handed on.
    Derived in docs/derivations/dropout.md.
    """

    def __init__(self, layer: Dropout, buffers: Buffers) -> None:
        self.p, self.mask = layer.p, buffers.masks["mask"] if buffers.training else None
        self.noise, self.y = buffers.empty(buffers.input_shape), buffers.empty(buffers.input_shape)
        self.dx = buffers.empty(buffers.input_shape)

    def forward(self, x: Array) -> Array:
        if self.mask is None:
            return x
        fill_noise(self.noise, self.mask, self.p)
        return np.multiply(x, self.noise, out=self.y)

    def backward(self, delta: Array) -> Array:
        return delta if self.mask is None else np.multiply(delta, self.noise, out=self.dx)


def fill_noise(noise: Array, mask: Array, p: float) -> None:
    """noise = mask / (1 - p), its factors of a forward and a backward pass; where p is 1, all of them are 0."""
    np.copyto(noise, mask)
    if p < 1:
        np.divide(noise, 1 - p, out=noise)
