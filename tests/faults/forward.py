"""Mistakes in the forward pass, followed by the backward pass that belongs to what was computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.base import Layer
from runner.layers.linear import Linear, ScratchLinear
from runner.layers.relu import ReLU, ScratchReLU
from runner.layers.sigmoid import ScratchSigmoid, Sigmoid
from runner.layers.tanh import Tanh
from runner.network import Place
from tests.faults.base import Altered, with_passes, with_places


def _last(problem: Problem, kind: type[Layer]) -> int:
    return [i for i, place in enumerate(problem.network.places) if isinstance(place.layer, kind)][-1]


class ActivationMissing(Altered):
    """The last activation is left out."""

    def alter(self, problem: Problem) -> Problem:
        places, i = problem.network.places, _last(problem, Sigmoid)
        return with_places(problem, [*places[:i], *places[i + 1 :]])


class ActivationTwice(Altered):
    """The last activation is applied twice."""

    def alter(self, problem: Problem) -> Problem:
        places, i = problem.network.places, _last(problem, Sigmoid)
        return with_places(problem, [*places[:i], replace(places[i], name="again"), *places[i:]])


class TanhForSigmoid(Altered):
    """tanh stands where every sigmoid belongs."""

    def alter(self, problem: Problem) -> Problem:
        return with_places(problem, [_with_tanh(place) for place in problem.network.places])


def _with_tanh(place: Place) -> Place:
    return replace(place, layer=Tanh(name=None)) if isinstance(place.layer, Sigmoid) else place


class OutputActivated(Altered):
    """A sigmoid is applied to the output."""

    def alter(self, problem: Problem) -> Problem:
        shape = problem.network.output_shape
        return with_places(problem, [*problem.network.places, Place("added", Sigmoid(name=None), shape, shape, {})])


class LayersExchanged(Altered):
    """The parameters of the last two hidden layers, which are square, are exchanged."""

    def alter(self, problem: Problem) -> Problem:
        other = {"hidden_layer_1": "hidden_layer_2", "hidden_layer_2": "hidden_layer_1"}
        places = [replace(place, name=other.get(place.name, place.name)) for place in problem.network.places]
        return with_places(problem, places)


class _WithoutBias(ScratchLinear):
    def forward(self, x: Array) -> Array:
        self.x = x
        return np.matmul(x, self.weight_t, out=self.y)


class _BiasSubtracted(ScratchLinear):
    def forward(self, x: Array) -> Array:
        assert self.bias is not None
        self.y[...] = super().forward(x) - 2 * self.bias
        return self.y

    def backward(self, delta: Array) -> Array:
        assert self.d_bias is not None
        back = super().backward(delta)
        np.negative(self.d_bias, out=self.d_bias)
        return back


class _Turned(ScratchLinear):
    """x W in place of x W^T."""

    def forward(self, x: Array) -> Array:
        self.y[...] = super().forward(x) - x @ self.weight_t + x @ self.weight
        return self.y

    def backward(self, delta: Array) -> Array:
        super().backward(delta)
        self.d_weight[...] = self.x.T @ delta
        return delta @ self.weight_t


class _Leaky(ScratchReLU):
    def forward(self, z: Array) -> Array:
        self.z = z
        self.a[...] = np.where(z > 0, z, 0.01 * z)
        return self.a

    def backward(self, delta: Array) -> Array:
        self.dz[...] = np.where(self.z > 0, delta, 0.01 * delta)
        return self.dz


class _WithEpsilon(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        self.a[...] = 1 / (1 + np.exp(-z) + 1e-7)
        return self.a


class _Softmax(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        self.a[...] = e / e.sum(axis=-1, keepdims=True)
        return self.a

    def backward(self, delta: Array) -> Array:
        self.dz[...] = self.a * (delta - (delta * self.a).sum(axis=-1, keepdims=True))
        return self.dz


class _Dropout(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        self.kept = 2.0 * (np.arange(z.shape[-1]) % 2)
        return np.asarray((super().forward(z) * self.kept).astype(z.dtype))

    def backward(self, delta: Array) -> Array:
        return super().backward((delta * self.kept).astype(delta.dtype))


class _Centred(ScratchLinear):
    def forward(self, x: Array) -> Array:
        return super().forward(x - x.mean(axis=-1, keepdims=True))


class BiasMissing(Altered):
    """The first layer's bias is not added; its gradient is the sum of delta."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _WithoutBias, "input_layer")


class BiasSubtracted(Altered):
    """The first layer's bias is subtracted."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _BiasSubtracted, "input_layer")


class TransposedForward(Altered):
    """x W in place of x W^T, in the square layer."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _Turned, "hidden_layer_1")


class LeakyReLU(Altered):
    """A slope of 0.01 below 0, forward and backward."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, ReLU, _Leaky)


class SigmoidWithEpsilon(Altered):
    """1e-7 is added to the sigmoid's denominator."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _WithEpsilon)


class SoftmaxForSigmoid(Altered):
    """A softmax over the units stands where every sigmoid belongs."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _Softmax)


class DropoutInForward(Altered):
    """Every second unit is dropped and the others doubled, forward and backward."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _Dropout)


class InputCentred(Altered):
    """The mean of a sample's features is taken off before the first layer."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _Centred, "input_layer")
