"""Backends that are right in their own way, and must not be found at fault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.linear import Linear, ScratchLinear
from runner.layers.relu import ReLU, ScratchReLU
from tests.faults.base import Altered, with_passes


class _Backwards(ScratchLinear):
    """Every sum is taken from its other end, term by term."""

    def forward(self, x: Array) -> Array:
        self.x = x
        self.y[...] = 0
        for k in reversed(range(x.shape[-1])):
            self.y += x[..., k, None] * self.weight_t[k]
        if self.bias is not None:
            self.y += self.bias
        return self.y

    def backward(self, delta: Array) -> Array:
        self.d_weight[...] = 0
        for n in reversed(range(len(delta))):
            self.d_weight += delta[n][:, None] * self.x[n]
        if self.d_bias is not None:
            self.d_bias[...] = 0
            for n in reversed(range(len(delta))):
                self.d_bias += delta[n]
        if self.dx is None:
            return delta
        self.dx[...] = 0
        for k in reversed(range(delta.shape[-1])):
            self.dx += delta[..., k, None] * self.weight[k]
        return self.dx


class _ActiveAtZero(ScratchReLU):
    def forward(self, z: Array) -> Array:
        self.at_zero = z >= 0
        return super().forward(z)

    def backward(self, delta: Array) -> Array:
        return np.multiply(delta, self.at_zero, out=self.dz)


@dataclass(frozen=True, kw_only=True)
class OtherOrder(Altered):
    """Sums are taken in another order."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _Backwards)


@dataclass(frozen=True, kw_only=True)
class ReLUActiveAtZero(Altered):
    """The other of the two subgradients of max(z, 0) at 0."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, ReLU, _ActiveAtZero)
