"""Mistakes in the gradients of a linear layer's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.base import Buffers
from runner.layers.linear import Linear, ScratchLinear
from tests.faults.base import Altered, Site, WrongBackward, with_passes


class _BiasSign(ScratchLinear):
    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.d_bias is not None:
            np.negative(self.d_bias, out=self.d_bias)
        return back


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


class _Before(ScratchLinear):
    """Takes the input of the activation before it for its own."""

    def __init__(self, buffers: Buffers, chain: list[ScratchLinear]) -> None:
        super().__init__(buffers)
        self.place, self.chain = len(chain), chain
        chain.append(self)

    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.place:
            np.matmul(delta.mT, self.chain[self.place - 1].y, out=self.d_weight)
        return back


class _NetworkInput(_Before):
    """Takes the network's input for its own, where it is as wide."""

    def backward(self, delta: Array) -> Array:
        back = ScratchLinear.backward(self, delta)
        if self.chain[0].x.shape == self.x.shape:
            np.matmul(delta.mT, self.chain[0].x, out=self.d_weight)
        return back


class _ReusedBuffer(ScratchLinear):
    """What goes back is written over delta where the two have one shape, and the weight's gradient comes after it."""

    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if back.shape == delta.shape and self.dx is not None:
            np.matmul(back.mT, self.x, out=self.d_weight)
        return back


class TransposedGradient(WrongBackward):
    """The gradient of every square weight is transposed."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        d = t.linear.d_weight
        if d.shape[0] == d.shape[1]:
            d[...] = d.T.copy()
        return t.dx


class ReshapedGradient(WrongBackward):
    """x^T delta is reshaped to (out, in) where it should be transposed."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        t.linear.d_weight[...] = (t.x.T @ t.delta).reshape(t.linear.d_weight.shape)
        return t.dx


@dataclass(frozen=True, kw_only=True)
class BiasSignFlipped(Altered):
    """db = -delta, in ``hidden_layer_1`` alone."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _BiasSign, "hidden_layer_1")


@dataclass(frozen=True, kw_only=True)
class OneSignAtTheBottom(Altered):
    """db = -delta, in the first layer alone, where gradients are smallest."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _BiasSign, "input_layer")


@dataclass(frozen=True, kw_only=True)
class SwappedDeltas(Altered):
    """The first weight's gradient is made with the delta of the layer after it."""

    def alter(self, problem: Problem) -> Problem:
        deltas: dict[int, Array] = {}
        return with_passes(problem, Linear, lambda buffers: _SharedDelta(buffers, deltas))


class InputBeforeActivation(Altered):
    """dW = delta^T z with the z before the activation, where its a belongs."""

    def alter(self, problem: Problem) -> Problem:
        chain: list[ScratchLinear] = []
        return with_passes(problem, Linear, lambda buffers: _Before(buffers, chain))


class NetworkInputForInput(Altered):
    """dW = delta^T x with the network's input x, in every layer that is as wide."""

    def alter(self, problem: Problem) -> Problem:
        chain: list[ScratchLinear] = []
        return with_passes(problem, Linear, lambda buffers: _NetworkInput(buffers, chain))


class ReusedBuffer(Altered):
    """dx is written over delta before dW is made of it: an alias, in square layers."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _ReusedBuffer)


class OwnOutputForInput(WrongBackward):
    """dW = delta^T y with the layer's own output, in square layers."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.x.shape == t.y.shape:
            t.linear.d_weight[...] = t.delta.T @ t.y
        return t.dx


class WeightGradientOverInputs(WrongBackward):
    """dW is divided by the number of inputs."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        t.linear.d_weight[...] /= t.x.shape[1]
        return t.dx


class BiasForgotten(WrongBackward):
    """db is never computed: it stays 0."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.linear.d_bias is not None and t.x.shape == t.y.shape:
            t.linear.d_bias[...] = 0
        return t.dx


class BiasSummedToOne(WrongBackward):
    """db is summed over the outputs too, and broadcast back."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.linear.d_bias is not None:
            t.linear.d_bias[...] = t.delta.sum()
        return t.dx


class BiasOverOutputs(WrongBackward):
    """db = the sum of delta over the wrong axis, which fits where batch and outputs are as many."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.linear.d_bias is not None and t.delta.shape[0] == t.delta.shape[1]:
            t.linear.d_bias[...] = t.delta.sum(axis=1)
        return t.dx


class BiasFromWeightGradient(WrongBackward):
    """db = dW summed over its inputs."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        if t.linear.d_bias is not None:
            t.linear.d_bias[...] = t.linear.d_weight.sum(axis=1)
        return t.dx
