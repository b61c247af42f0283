"""Mistakes in a linear layer's gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.base import Buffers
from runner.layers.linear import Linear, ScratchLinear
from tests.faults.base import Altered, with_passes


class _TransposedGradient(ScratchLinear):
    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.d_weight.shape[-1] == self.d_weight.shape[-2]:
            self.d_weight[...] = self.d_weight.mT.copy()
        return back


class _TransposedWeight(ScratchLinear):
    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.dx is not None and self.weight.shape[-1] == self.weight.shape[-2]:
            return np.matmul(delta, self.weight_t, out=self.dx)
        return back


class _BiasSign(ScratchLinear):
    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.d_bias is not None:
            np.negative(self.d_bias, out=self.d_bias)
        return back


class _BiasOfLastSample(ScratchLinear):
    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.d_bias is not None:
            self.d_bias[...] = delta[-1]
        return back


class _WeightsAhead(ScratchLinear):
    """The weights are moved along their gradient before delta goes through them."""

    def __init__(self, buffers: Buffers, lr: float) -> None:
        super().__init__(buffers)
        self.lr = lr

    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.dx is None:
            return back
        return np.matmul(delta, self.weight - self.lr * self.d_weight, out=self.dx)


class _WeightsOfBefore(ScratchLinear):
    """delta goes through a copy of the weights that was made at the first step and is never made again."""

    copy: Array | None = None

    def backward(self, delta: Array) -> Array:
        if self.copy is None:
            self.copy = np.array(self.weight)
        back = super().backward(delta)
        return back if self.dx is None else np.matmul(delta, self.copy, out=self.dx)


class _SharedDelta(ScratchLinear):
    """delta of a layer is put where the next one's should be: two deltas of one width are swapped."""

    def __init__(self, buffers: Buffers, deltas: dict[int, Array]) -> None:
        super().__init__(buffers)
        self.deltas = deltas

    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        other = self.deltas.get(delta.shape[-1])
        if other is None:
            self.deltas[delta.shape[-1]] = np.array(delta)
        else:
            np.matmul(other.mT, self.x, out=self.d_weight)
            del self.deltas[delta.shape[-1]]
        return back


@dataclass(frozen=True, kw_only=True)
class TransposedGradient(Altered):
    """The gradient of every square weight is transposed."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _TransposedGradient)


@dataclass(frozen=True, kw_only=True)
class TransposedWeight(Altered):
    """delta goes through W^T where W is square."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _TransposedWeight)


@dataclass(frozen=True, kw_only=True)
class BiasSignFlipped(Altered):
    """db = -delta, in ``hidden_layer_1`` alone."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _BiasSign, "hidden_layer_1")


@dataclass(frozen=True, kw_only=True)
class BiasNotSummed(Altered):
    """db is the last sample's delta, not the batch's sum; right where the batch is one sample."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _BiasOfLastSample)


@dataclass(frozen=True, kw_only=True)
class UpdatedTooEarly(Altered):
    """Each layer's weights are updated before delta goes through them."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, lambda buffers: _WeightsAhead(buffers, problem.lr))


@dataclass(frozen=True, kw_only=True)
class StaleWeights(Altered):
    """delta goes through the weights of the first step for ever; right at the first step."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _WeightsOfBefore)


@dataclass(frozen=True, kw_only=True)
class SwappedDeltas(Altered):
    """The first weight's gradient is made with the delta of the layer after it."""

    def alter(self, problem: Problem) -> Problem:
        deltas: dict[int, Array] = {}
        return with_passes(problem, Linear, lambda buffers: _SharedDelta(buffers, deltas))


@dataclass(frozen=True, kw_only=True)
class OneSignAtTheBottom(Altered):
    """db = -delta, in the first layer alone, where gradients are smallest."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _BiasSign, "input_layer")
