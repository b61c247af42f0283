"""GELU: a = z times the normal distribution function of z (torch.nn.GELU; Hendrycks and Gimpel 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError, choices
from runner.layers.activation import FAR, ElementwisePass
from runner.layers.base import Buffers, Layer
from runner.layers.error_function import make_erf

if TYPE_CHECKING:
    import torch

APPROXIMATIONS = ("none", "tanh")
CUBIC = 0.044715


@dataclass(frozen=True, kw_only=True)
class GELU(Layer):
    """Elementwise; no parameters. ``approximate``: none, or tanh in place of the error function."""

    approximate: str

    def check(self) -> None:
        if self.approximate not in APPROXIMATIONS:
            raise ConfigError("approximate", self.approximate, choices(APPROXIMATIONS, self.approximate))

    def scratch(self, buffers: Buffers) -> ScratchGELU | ScratchGELUTanh:
        return ScratchGELU(buffers) if self.approximate == "none" else ScratchGELUTanh(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.GELU(self.approximate)

    def describe(self, input_shape: Shape) -> str:
        return f"GELU(approximate={self.approximate!r})"


class ScratchGELU(ElementwisePass):
    """z, a and delta of one shape.

    P = (1 + erf(z / sqrt(2))) / 2;  a = z P;  dz = delta (P + z exp(-z^2 / 2) / sqrt(2 pi)).

    Derived in docs/derivations/gelu.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.erf = make_erf(buffers)
        self.p = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        self.z, p = z, self.p
        self.erf(z, p)
        np.add(p, 1, out=p)
        np.multiply(p, 0.5, out=p)
        return np.multiply(z, p, out=self.a)

    def slopes(self) -> Array:
        z, slope = self.z, self.slope
        np.multiply(z, z, out=slope)
        np.multiply(slope, -0.5, out=slope)
        np.exp(slope, out=slope)
        np.multiply(slope, 1 / sqrt(2 * pi), out=slope)
        np.multiply(slope, z, out=slope)
        return np.add(slope, self.p, out=slope)


class ScratchGELUTanh(ElementwisePass):
    """z, a and delta of one shape, k = sqrt(2 / pi), c = 0.044715.

    t = tanh(k (z + c z^3));  a = z (1 + t) / 2;  u = z (1 - t^2);  dz = delta ((1 + t) + k (u + 3 c u z^2)) / 2.

    Derived in docs/derivations/gelu.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.t = buffers.empty(buffers.input_shape)
        self.half = buffers.empty(buffers.input_shape)
        self.u = buffers.empty(buffers.input_shape)
        self.near = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        self.z, t, half = z, self.t, self.half
        np.multiply(z, z, out=t)
        np.multiply(t, CUBIC, out=t)
        np.add(t, 1, out=t)
        np.multiply(t, z, out=t)
        np.multiply(t, sqrt(2 / pi), out=t)
        np.tanh(t, out=t)
        np.add(t, 1, out=half)
        np.multiply(half, 0.5, out=half)
        return np.multiply(z, half, out=self.a)

    def slopes(self) -> Array:
        near, t, u, slope = self.near, self.t, self.u, self.slope
        np.maximum(self.z, -FAR, out=near)
        np.minimum(near, FAR, out=near)
        np.multiply(t, t, out=u)
        np.subtract(1, u, out=u)
        np.multiply(u, near, out=u)
        np.multiply(u, near, out=slope)
        np.multiply(slope, near, out=slope)
        np.multiply(slope, 3 * CUBIC, out=slope)
        np.add(slope, u, out=slope)
        np.multiply(slope, sqrt(0.5 / pi), out=slope)
        return np.add(slope, self.half, out=slope)
