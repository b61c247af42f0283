"""The scratch backend: the layers' hand-derived forward and backward in NumPy; no autograd anywhere in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from runner.arrays import Array, Shape, like
from runner.backends.base import Backend, BackendChoice, Empty, Problem, State, Step, views
from runner.backends.blocks import joined_views, may_join
from runner.backends.rates import Apart, blocks_of
from runner.backends.training import Training
from runner.layers.base import Buffers, Pass
from runner.layers.narrow import pass_of
from runner.losses.narrow import loss_pass
from runner.network import Place


@dataclass(frozen=True, kw_only=True)
class Scratch(BackendChoice):
    """The project's own layers."""

    stacks: ClassVar[bool] = True

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return ScratchBackend(name, problem, dtype)

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        return ScratchBackend(name, problem, dtype, replicas=(replicas,))

    def make_over(self, name: str, problem: Problem, empty: Empty) -> Backend:
        return ScratchBackend(name, problem, np.dtype(np.float64), empty)


def unwritten(array: Array) -> Array:
    """The array filled with NaN: what a pass forgets to write is then no number, and not what chance left there."""
    array[...] = np.nan
    return array


class ScratchBackend:
    """Parameters and gradients are views of one flat vector each, (*replicas, parameters).

    Args:
        name: The backend's name.
        problem: What to compute.
        dtype: Of every array.
        empty: Makes an uninitialised array of a shape and dtype; noisy arithmetic gives its own.
        replicas: The axes in front of every array that goes in and comes out, where several runs are computed at once.
    """

    def __init__(
        self,
        name: str,
        problem: Problem,
        dtype: np.dtype[Any],
        empty: Empty = np.empty,
        replicas: Shape = (),
    ) -> None:
        self.name = name
        self._problem = problem
        self._replicas = replicas
        self._empty: Callable[[Shape], Array] = lambda shape: unwritten(empty(shape, dtype))
        network = problem.network
        size = sum(map(prod, network.shapes.values()))
        self._flat, flat_gradients = self._empty((*replicas, size)), self._empty((*replicas, size))
        self._joined = empty is np.empty and may_join(dtype)  # noisy arithmetic runs on the plain pass of a layer
        self._parameters, self._blocks = self._parts(self._flat)
        self._gradients, self._gradient_blocks = self._parts(flat_gradients)
        self._buffers = {
            name: like(np.broadcast_to(value, (*replicas, *value.shape)), self._empty)
            for name, value in network.buffers.items()
        }
        self._training = self._trained(problem, flat_gradients)
        self._plans: dict[tuple[int, bool], Plan] = {}

    def _parts(self, flat: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        """Each parameter's part of a vector, and the blocks that some are parts of."""
        network = self._problem.network
        return joined_views(flat, network) if self._joined else (views(flat, network.shapes), {})

    def _trained(self, problem: Problem, gradients: Array) -> Training | Apart:
        """What happens at the end of a step."""

        def of(part: Problem, flat: Array, gradients: Array) -> Training:
            return Training(part, flat, gradients, lambda flat: self._parts(flat)[0])

        if not problem.rates:
            return of(problem, self._flat, gradients)
        return Apart([(rows, of(part, self._flat[rows], gradients[rows])) for rows, part in blocks_of(problem)])

    def load(self, state: State) -> None:
        for name, mine in self._parameters.items():
            mine[...] = state.parameters[name]
        for name, mine in self._buffers.items():
            mine[...] = state.buffers[name]
        self._training.load(state.optimizer)

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        batch = x.shape[len(self._replicas)]
        plan = self._plans.get((batch, training))
        if plan is None:
            plan = self._plans[batch, training] = self._plan(x, y, training)
        step = plan.step(x, y, draws)
        self._loss = step.loss
        return step

    def update(self) -> None:
        self._training.update(self._loss.astype(np.float64) if self._replicas else float(self._loss))

    def state(self) -> State:
        return State(self._parameters, self._buffers, self._training.state())

    def _plan(self, x: Array, y: Array, training: bool) -> Plan:
        parameters, gradients = self._parameters | self._blocks, self._gradients | self._gradient_blocks
        held = Held(parameters, gradients, self._buffers)
        given = (like(x, self._empty), like(y, self._empty))
        return Plan(self._problem, given, held, self._empty, training, self._replicas)


@dataclass(frozen=True)
class Held:
    """A backend's arrays under their full names; blocks of parameters stand beside what they consist of."""

    parameters: Mapping[str, Array]
    gradients: Mapping[str, Array]
    buffers: Mapping[str, Array]

    def of(
        self, place: Place, lead: Shape, empty: Callable[[Shape], Array], input_gradient: bool, training: bool = True
    ) -> Buffers:
        """What one layer's pass works on; ``lead`` is (*replicas, batch)."""
        masks = {local: np.empty((*lead, *m.shape), bool) for local, m in place.masks.items()}
        return Buffers(
            (*lead, *place.input_shape),
            place.mine(self.parameters),
            place.mine(self.gradients),
            empty,
            input_gradient,
            replicas=lead[:-1],
            training=training,
            state=place.mine(self.buffers),
            masks=masks,
        )


class Plan:
    """The passes of all layers and of the loss for one batch size, each over buffers made once.

    ``given`` are arrays for x and y; ``training`` is False in evaluation mode.
    """

    def __init__(
        self,
        problem: Problem,
        given: tuple[Array, Array],
        held: Held,
        empty: Callable[[Shape], Array],
        training: bool,
        replicas: Shape = (),
    ) -> None:
        network, (self.x, self.y) = problem.network, given
        lead = (*replicas, self.x.shape[len(replicas)])
        self.layers: list[Pass] = []
        self.masks: dict[str, Array] = {}
        for i, place in enumerate(network.places):
            buffers = held.of(place, lead, empty, i > 0, training)
            self.masks |= {place.full(local): mask for local, mask in buffers.masks.items() if training}
            self.layers.append(pass_of(place.layer, buffers))
        self.loss = loss_pass(problem.loss, (*lead, *network.output_shape), empty, len(replicas))
        self.gradients = {name: held.gradients[name] for name in network.parameters}
        self.backwards = range(len(self.layers))[::-1]
        names = [place.name for place in network.places]
        self.activations, self.deltas = _Named(names), _Named(names)
        self.last: Step | None = None  # its arrays are the same at each step: row 2-10-10-1 of benchmarks/tables.py

    def step(self, x: Array, y: Array, draws: Mapping[str, Array]) -> Step:
        """Forward through the layers, the loss, and backward through them."""
        self.x[...], self.y[...] = x, y
        for name, mask in self.masks.items():
            mask[...] = draws[name]
        activations, deltas = self.activations.arrays, self.deltas.arrays
        a = self.x
        for i, layer in enumerate(self.layers):
            activations[i] = a = layer.forward(a)
        loss = self.loss.forward(a, self.y)
        delta = self.loss.backward()
        for i in self.backwards:
            deltas[i] = delta
            delta = self.layers[i].backward(delta)
        if self.last is None or self.last.loss is not loss or self.last.prediction is not a:
            self.last = Step(loss, a, self.gradients, self.activations, self.deltas)
        return self.last


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
