"""Right formulas in arithmetic that loses digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.linear import Linear, ScratchLinear
from runner.layers.sigmoid import ScratchSigmoid, Sigmoid
from runner.layers.tanh import ScratchTanh, Tanh
from tests.faults.base import Altered, with_passes


class _HalfPrecisionExp(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        self.a[...] = 1 / (1 + np.exp(-z).astype(np.float16))
        return self.a


class _CoarseArgument(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        self.a[...] = 1 / (1 + np.exp(-(z + 65536.0) + 65536.0))
        return self.a


class _TanhOfSigmoid(ScratchTanh):
    def forward(self, z: Array) -> Array:
        self.a[...] = 2 / (1 + np.exp(-2 * z)) - 1
        return self.a


@dataclass(frozen=True, kw_only=True)
class SigmoidWithHalfPrecisionExp(Altered):
    """exp(-z) rounded to float16."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _HalfPrecisionExp)


@dataclass(frozen=True, kw_only=True)
class SigmoidOfCoarseArgument(Altered):
    """z passes through a sum with 65536, which takes 16 bits from it."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _CoarseArgument)


@dataclass(frozen=True, kw_only=True)
class TanhFromSigmoid(Altered):
    """tanh z = 2 sigmoid(2 z) - 1, which cancels at small z."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Tanh, _TanhOfSigmoid)


class _SingleOnTheWayBack(ScratchLinear):
    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.dx is None:
            return back
        return np.matmul(delta, self.weight.astype(np.float32).astype(delta.dtype), out=self.dx)


class WeightsInSingle(Altered):
    """delta goes back through weights that were kept in float32; right where the run is in float32."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _SingleOnTheWayBack)
