"""The library's forward and backward pass, run so that a mistake can be made on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from runner.arrays import Array, Shape, like
from runner.backends.base import Problem
from runner.backends.scratch import Held
from runner.comparison.tensors import Layout
from runner.layers.base import Buffers, Pass
from runner.layers.linear import Linear
from runner.losses.base import LossPass
from runner.network import Place

HIGH = np.dtype(np.float64)
Empty = Callable[[Shape, np.dtype[Any]], Array]
Gradients = dict[str, Array]
EMPTY: Mapping[str, Array] = MappingProxyType({})


@dataclass(frozen=True)
class At:
    """A layer in the middle of the backward pass.

    Attributes:
        passage: The whole pass.
        i: The layer's place.
        z: The layer's input, (batch, ...).
        a: Its output.
        delta: The gradient of the loss with respect to ``a``, as it arrived.
        dx: The gradient with respect to ``z``, as it leaves the right layer.
    """

    passage: Passage
    i: int
    z: Array
    a: Array
    delta: Array
    dx: Array

    def pulled_back(self, z: Array, delta: Array) -> Array:
        """The gradient that the layer hands on where its input is ``z`` and ``delta`` arrives."""
        fresh = self.passage.fresh(self.i)
        fresh.forward(z)
        return fresh.backward(delta)

    @property
    def weight(self) -> Array:
        """The layer's weight."""
        return self.passage.parameters[self.passage.problem.network.places[self.i].full("weight")]


AtLoss = Callable[["Passage", Array, Array], tuple[Array, Array]]
Leaving = Callable[[At], Array | None]
OfParameter = Callable[[At, str, Array], Array | None]
AtEnd = Callable[["Passage", Gradients], Gradients]


@dataclass(frozen=True)
class Alteration:
    """A mistake at a certain place: what it changes, and how a person says it.

    What is changed at a layer is left as it is where the mistake cannot be made there (None).

    Attributes:
        name: The mistake's name.
        sentence: What was done, in words that a student understands.
        formula: What is right.
        loss: (passage, loss, delta) -> the loss and its gradient by the prediction.
        leaving: Place -> the gradient that the layer there hands on.
        gradient: Place -> (at, local name, gradient) -> the gradient of that layer's parameter.
        end: (passage, gradients) -> all gradients.
        tensor: The only parameter whose gradient ``end`` changes; empty if it changes several.
        problem: What is computed instead of the right problem; None where the forward pass is right.
        parameters: Changes the parameters before the forward pass.
        zeros: Zeros are what it gives; where another mistake happens to give nothing but zeros, they are no evidence.
    """

    name: str
    sentence: str
    formula: str
    loss: AtLoss | None = None
    leaving: Mapping[int, Leaving] = field(default_factory=dict)
    gradient: Mapping[int, OfParameter] = field(default_factory=dict)
    end: AtEnd | None = None
    tensor: str = ""
    problem: Problem | None = None
    parameters: Callable[[Gradients], Gradients] | None = None
    zeros: bool = False

    @property
    def changes_forward(self) -> bool:
        """Whether prediction and loss come out wrong too."""
        return self.problem is not None or self.parameters is not None


class Passage:
    """Forward and backward through the library's layers, over arrays made by ``empty`` (plain or noisy).

    Attributes:
        problem: What is computed.
        layout: The vector that a run gives.
        parameters: Under their full names; set by ``load``.
        inputs: The input of each layer in the last run.
        outputs: The output of each layer.
        deltas: The gradient of the loss with respect to each output, as it arrived.
    """

    def __init__(self, problem: Problem, layout: Layout, empty: Empty) -> None:
        self.problem, self.layout, self._empty_of = problem, layout, empty
        self.batch = layout.shapes[1][0]
        network = problem.network
        self.parameters = {name: self.empty(p.shape) for name, p in network.parameters.items()}
        self._gradients = {name: self.empty(p.shape) for name, p in network.parameters.items()}
        self._buffers = {name: self._copy(value) for name, value in network.buffers.items()}
        self._draws: Mapping[str, Array] = {}
        self._held = Held(self.parameters, self._gradients, self._buffers)
        self.x = self.y = self.empty(())
        self._made = [self._buffers_of(i) for i in range(len(network.places))]
        self._passes = [place.layer.scratch(made) for place, made in zip(network.places, self._made, strict=True)]
        self._loss = self.fresh_loss()
        self.inputs: list[Array] = [self.x] * len(self._passes)
        self.outputs: list[Array] = [self.x] * len(self._passes)
        self.deltas: list[Array] = [self.x] * len(self._passes)

    def empty(self, shape: Shape) -> Array:
        """An uninitialised float64 array."""
        return self._empty_of(shape, HIGH)

    def fresh(self, i: int) -> Pass:
        """A pass of the layer at place ``i`` over buffers of its own, its gradients those of the passage."""
        made = self._buffers_of(i)
        self._fill(i, made)
        return self.problem.network.places[i].layer.scratch(made)

    def _buffers_of(self, i: int) -> Buffers:
        place = self.problem.network.places[i]
        return self._held.of(place, (self.batch,), self.empty, input_gradient=i > 0)

    def _fill(self, i: int, made: Buffers) -> None:
        """The step's masks, into the arrays of one layer's pass."""
        for local, mask in made.masks.items():
            mask[...] = self._draws[self.problem.network.places[i].full(local)]

    def fresh_loss(self) -> LossPass:
        """A pass of the loss over buffers of its own."""
        return self.problem.loss.scratch(self.layout.shapes[1], self.empty)

    def load(
        self,
        parameters: Mapping[str, Array],
        x: Array,
        y: Array,
        buffers: Mapping[str, Array] = EMPTY,
        draws: Mapping[str, Array] = EMPTY,
    ) -> None:
        """Takes copies of all that the pass starts from; the last two are needed where the network has such."""
        for name, mine in self.parameters.items():
            mine[...] = parameters[name]
        for name, mine in self._buffers.items():
            mine[...] = buffers[name]
        self.x, self.y, self._draws = self._copy(x), self._copy(y), draws
        for i, made in enumerate(self._made):
            self._fill(i, made)

    def _copy(self, value: Array) -> Array:
        made = like(value, self.empty)
        made[...] = value
        return made

    def run(self, *made: Alteration) -> Array:
        """Loss, prediction and gradients with the mistakes ``made``, as one plain vector (layout.size,)."""
        self._forward()
        prediction = self.outputs[-1]
        loss = self._loss.forward(prediction, self.y)
        delta = self._loss.backward()
        for mistake in made:
            if mistake.loss is not None:
                loss, delta = mistake.loss(self, loss, delta)
        gradients: Gradients = {}
        for i in reversed(range(len(self._passes))):
            delta = self._backward(i, delta, made, gradients)
        for mistake in made:
            if mistake.end is not None:
                gradients = mistake.end(self, gradients)
        parts = [np.ravel(loss), np.ravel(prediction), *(np.ravel(gradients[n]) for n in self.layout.names[2:])]
        return np.concatenate([part.view(np.ndarray) for part in parts])

    def _forward(self) -> None:
        a = self.x
        for i, layer in enumerate(self._passes):
            self.inputs[i] = a
            self.outputs[i] = a = layer.forward(a)

    def _backward(self, i: int, delta: Array, made: tuple[Alteration, ...], gradients: Gradients) -> Array:
        place = self.problem.network.places[i]
        self.deltas[i] = delta
        dx = self._passes[i].backward(delta)
        at = At(self, i, self.inputs[i], self.outputs[i], delta, dx)
        for local in place.parameters:
            g = self._gradients[place.full(local)]
            for mistake in made:
                changed = mistake.gradient[i](at, local, g) if i in mistake.gradient else None
                g = g if changed is None else changed
            gradients[place.full(local)] = g
        for mistake in made:
            changed = mistake.leaving[i](at) if i in mistake.leaving and i > 0 else None
            dx = dx if changed is None else changed
        return dx


def is_activation(place: Place) -> bool:
    """Whether the layer has no parameters and keeps the shape."""
    return not place.parameters and place.input_shape == place.output_shape


def is_linear(place: Place) -> bool:
    """Whether it is y = x W^T + b for one vector a sample."""
    return isinstance(place.layer, Linear) and len(place.input_shape) == 1


def groups(sites: list[int]) -> list[list[int]]:
    """Each place alone, then all of them."""
    return [[i] for i in sites] + ([sites] if len(sites) > 1 else [])


def label(passage: Passage, group: list[int]) -> str:
    """The layer's name, or words for all of them."""
    return passage.problem.network.places[group[0]].name if len(group) == 1 else "every such layer"
