"""The scratch backend: the layers' hand-derived forward and backward in NumPy; no autograd anywhere in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from runner.arrays import Array, Shape
from runner.backends.base import Backend, BackendChoice, Empty, Problem, State, Step, views
from runner.layers.base import Buffers


@dataclass(frozen=True, kw_only=True)
class Scratch(BackendChoice):
    """The project's own layers."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return ScratchBackend(name, problem, dtype)

    def make_over(self, name: str, problem: Problem, empty: Empty) -> Backend:
        return ScratchBackend(name, problem, np.dtype(np.float64), empty)


class ScratchBackend:
    """Parameters and gradients are views of one flat vector each, (parameters,).

    Args:
        name: The backend's name.
        problem: What to compute.
        dtype: Of every array.
        empty: Makes an uninitialised array of a shape and dtype; noisy arithmetic gives its own.
    """

    def __init__(
        self,
        name: str,
        problem: Problem,
        dtype: np.dtype[Any],
        empty: Empty = np.empty,
    ) -> None:
        self.name = name
        self._problem = problem
        self._empty: Callable[[Shape], Array] = lambda shape: empty(shape, dtype)
        shapes = {name: p.shape for name, p in problem.network.parameters.items()}
        size = sum(map(prod, shapes.values()))
        self._flat, flat_gradients = self._empty((size,)), self._empty((size,))
        self._parameters, self._gradients = views(self._flat, shapes), views(flat_gradients, shapes)
        self._update = problem.optimizer.scratch(self._flat, flat_gradients, problem.lr)
        self._plans: dict[int, Plan] = {}

    def load(self, state: State) -> None:
        for name, mine in self._parameters.items():
            mine[...] = state.parameters[name]

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        plan = self._plans.get(len(x))
        if plan is None:
            plan = self._plans[len(x)] = Plan(self._problem, len(x), self._parameters, self._gradients, self._empty)
        return plan.step(x, y)

    def update(self) -> None:
        self._update()

    def state(self) -> State:
        return State(self._parameters)


class Plan:
    """The passes of all layers and of the loss for one batch size, each over buffers made once."""

    def __init__(
        self,
        problem: Problem,
        batch: int,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        empty: Callable[[Shape], Array],
    ) -> None:
        network = problem.network
        self.x, self.y = empty((batch, *network.input_shape)), empty((batch, *network.output_shape))
        self.layers = []
        for i, place in enumerate(network.places):
            mine = {local: place.full(local) for local in place.parameters}
            buffers = Buffers(
                (batch, *place.input_shape),
                {local: parameters[name] for local, name in mine.items()},
                {local: gradients[name] for local, name in mine.items()},
                empty,
                input_gradient=i > 0,
            )
            self.layers.append(place.layer.scratch(buffers))
        self.loss = problem.loss.scratch((batch, *network.output_shape), empty)
        self.gradients = gradients
        self.backwards = range(len(self.layers))[::-1]
        names = [place.name for place in network.places]
        self.activations, self.deltas = _Named(names), _Named(names)

    def step(self, x: Array, y: Array) -> Step:
        """Forward through the layers, the loss, and backward through them."""
        self.x[...], self.y[...] = x, y
        activations, deltas = self.activations.arrays, self.deltas.arrays
        a = self.x
        for i, layer in enumerate(self.layers):
            activations[i] = a = layer.forward(a)
        loss = self.loss.forward(a, self.y)
        delta = self.loss.backward()
        for i in self.backwards:
            deltas[i] = delta
            delta = self.layers[i].backward(delta)
        return Step(loss, a, self.gradients, self.activations, self.deltas)


class _Named(Mapping[str, Array]):
    """One array a layer under the layers' names; whoever fills ``arrays`` need not make a dict a step."""

    def __init__(self, names: list[str]) -> None:
        self._places = {name: i for i, name in enumerate(names)}
        self.arrays: list[Array] = [np.empty(0)] * len(names)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[self._places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
