"""Softplus: a = log(1 + exp(beta z)) / beta, and z itself above a threshold (torch.nn.Softplus)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.activation import ElementwisePass
from runner.layers.base import Buffers, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Softplus(Layer):
    """Elementwise; no parameters. Linear where ``beta`` z is above ``threshold``."""

    beta: float
    threshold: float

    def check(self) -> None:
        if not isfinite(self.beta) or self.beta == 0:
            raise ConfigError("beta", self.beta, "a finite number other than 0")
        if isnan(self.threshold):
            raise ConfigError("threshold", self.threshold, "a number")

    def scratch(self, buffers: Buffers) -> ScratchSoftplus:
        return ScratchSoftplus(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Softplus(self.beta, self.threshold)

    def describe(self, input_shape: Shape) -> str:
        return f"Softplus(beta={self.beta}, threshold={self.threshold})"


class ScratchSoftplus(ElementwisePass):
    """z, a and delta of one shape.

    e = exp(beta z);  a = z where beta z > threshold, else log1p(e) / beta;
    dz = delta where beta z > threshold, else delta e / (e + 1).

    Derived in docs/derivations/softplus.md.
    """

    def __init__(self, buffers: Buffers, layer: Softplus) -> None:
        super().__init__(buffers)
        self.beta, self.threshold = layer.beta, layer.threshold
        self.linear = np.empty(buffers.input_shape, dtype=bool)
        self.curved = np.empty(buffers.input_shape, dtype=bool)
        self.e = buffers.empty(buffers.input_shape)

    def forward(self, z: Array) -> Array:
        a, e, linear, curved = self.a, self.e, self.linear, self.curved
        np.multiply(z, self.beta, out=e)
        np.greater(e, self.threshold, out=linear)
        np.logical_not(linear, out=curved)
        np.multiply(z, curved, out=e)  # what is linear must not overflow in exp
        np.multiply(e, self.beta, out=e)
        np.exp(e, out=e)
        np.log1p(e, out=a)
        np.divide(a, self.beta, out=a)
        np.multiply(a, curved, out=a)
        np.multiply(z, linear, out=self.slope)
        return np.add(a, self.slope, out=a)

    def slopes(self) -> Array:
        e, slope = self.e, self.slope
        np.add(e, 1, out=slope)
        np.divide(e, slope, out=slope)
        np.multiply(slope, self.curved, out=slope)
        return np.add(slope, self.linear, out=slope)
