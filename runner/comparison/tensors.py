"""All that is compared in a step, as one vector: loss, prediction and every gradient, each a slice of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from runner.arrays import Array, Shape
from runner.backends.base import FormError, State, Step
from runner.network import Network

PARAMETER = "update/"
"""Before the name of a parameter where what it is after an update is meant."""

BLOCK = 2**14
"""Numbers that are worked on at once: a few arrays of so many stay in the cache of a core."""


@dataclass(frozen=True)
class Block:
    """A piece of the vector: where it lies, which tensors have a part in it, and where in it these begin."""

    place: slice
    tensors: slice
    starts: Array


@dataclass(frozen=True)
class Layout:
    """Names, shapes and places of the tensors of a step, in the order in which they are shown.

    Attributes:
        names: ``loss``, ``prediction``, then the parameters.
        shapes: Their shapes; the loss has ().
        order: The names in the order of computation: prediction, loss, then the parameters' gradients from the
            last layer to the first.
    """

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    order: tuple[str, ...]
    starts: Array
    size: int

    @cached_property
    def places(self) -> tuple[slice, ...]:
        """Where each tensor lies in the vector."""
        ends = [*self.starts[1:], self.size]
        return tuple(slice(int(a), int(b)) for a, b in zip(self.starts, ends, strict=True))

    @cached_property
    def sizes(self) -> Array:
        """How many numbers each tensor has, (tensors,)."""
        return np.diff(self.starts, append=self.size)

    def slices(self) -> dict[str, slice]:
        """The same by name."""
        return dict(zip(self.names, self.places, strict=True))

    @cached_property
    def gradients(self) -> slice:
        """Where the gradients lie: all but loss and prediction."""
        return slice(int(self.starts[2]), self.size)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The whole vector in pieces of at most ``BLOCK`` numbers."""
        blocks = []
        for begin in range(0, self.size, BLOCK):
            end = min(begin + BLOCK, self.size)
            first, last = np.searchsorted(self.starts, [begin, end - 1], "right")
            starts = np.maximum(self.starts[first - 1 : last] - begin, 0)
            blocks.append(Block(slice(begin, end), slice(int(first) - 1, int(last)), starts))
        return tuple(blocks)

    def largest(self, values: Callable[[slice], Array]) -> Array:
        """Each tensor's largest value, (tensors,), of what ``values`` gives for each piece; none is below 0."""
        out = np.zeros(len(self.names))
        for block in self.blocks:
            gather(np.maximum, out, values(block.place), block)
        return out

    def flat(self, backend: str, step: Step) -> Array:
        """A step's tensors as one new float64 vector (size,); every narrower dtype fits in it exactly.

        Raises:
            FormError: The step lacks a tensor, or one has another shape.
        """
        out = np.empty(self.size)
        out[0] = step.loss
        at = int(self.starts[2])
        if np.shape(step.prediction) != self.shapes[1]:
            raise self._misshapen(backend, "prediction", step.prediction)
        out[1:at] = np.ravel(step.prediction)
        for name, shape in zip(self.names[2:], self.shapes[2:], strict=True):
            value = step.gradients.get(name)
            if value is None or np.shape(value) != shape:
                raise self._misshapen(backend, name, value)
            end = at + prod(shape)
            out[at:end] = np.ravel(value)
            at = end
        return out

    def flat_state(self, backend: str, state: State) -> Array:
        """What a backend carries after an update as one new float64 vector (size,).

        Raises:
            FormError: It lacks a tensor, or one has another shape.
        """
        found = named(state)
        out = np.empty(self.size)
        for name, shape, place in zip(self.names, self.shapes, self.places, strict=True):
            if name not in found or np.shape(found[name]) != shape:
                words = "is missing" if name not in found else f"has shape {np.shape(found[name])}, not {shape}"
                raise FormError(backend, f"carries a state in which {name} {words}", name)
            out[place] = np.ravel(found[name])
        return out

    def _misshapen(self, backend: str, name: str, value: Array | None) -> FormError:
        what = "the prediction" if name == "prediction" else f"the gradient of {name}"
        if value is None:
            return FormError(backend, f"returned no gradient for {name}", name)
        wanted = self.shapes[self.names.index(name)]
        return FormError(backend, f"returned {what} of shape {np.shape(value)}, not {wanted}", name)


@dataclass(frozen=True)
class StateLayout(Layout):
    """The same of what a backend carries after an update: parameters, running averages, the optimizer's state."""

    @cached_property
    def gradients(self) -> slice:
        """All of it."""
        return slice(0, self.size)


def named(state: State) -> dict[str, Array]:
    """All that a state holds, under the names that its tensors are shown by."""
    return {
        **{f"{PARAMETER}{name}": value for name, value in state.parameters.items()},
        **{f"buffers/{name}": value for name, value in state.buffers.items()},
        **{f"optimizer/{name}": value for name, value in state.optimizer.items()},
    }


def state_layout_of(state: State) -> StateLayout:
    """The layout of a state: what an update computes first stands first in the order of computation."""
    return state_layout({name: np.shape(value) for name, value in named(state).items()})


def state_layout(found: Mapping[str, Shape]) -> StateLayout:
    """The same of the shapes of what ``named`` gives."""
    shapes = tuple(found.values())
    sizes = [prod(shape) for shape in shapes]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    names = tuple(found)
    order = tuple(sorted(names, key=lambda name: ("buffers", "optimizer", "update").index(name.partition("/")[0])))
    return StateLayout(names, shapes, order, starts, sum(sizes))


def gather(ufunc: np.ufunc, out: Array, values: Array, block: Block) -> None:
    """Reduces each tensor's part of ``values``, those of a block, into ``out`` (tensors,)."""
    mine = out[block.tensors]
    ufunc(mine, ufunc.reduceat(values, block.starts), out=mine)


def layout_of(network: Network, batch: int) -> Layout:
    """The layout of a network's step for a batch size."""
    parameters = network.parameters
    names = ("loss", "prediction", *parameters)
    shapes: tuple[Shape, ...] = ((), (batch, *network.output_shape), *(p.shape for p in parameters.values()))
    sizes = [prod(shape) for shape in shapes]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    return Layout(names, shapes, ("prediction", "loss", *network.backward_order), starts, sum(sizes))
