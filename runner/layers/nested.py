"""A list of layers inside a layer: their shapes, names, parameters and passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from runner.arrays import Array, Shape
from runner.layers.base import Buffers, Layer, Pass
from runner.layers.placing import Places, place_layers

T = TypeVar("T")


def placed(field: str, layers: Sequence[Layer], input_shape: Shape) -> Places:
    """The layers of the list that stands in ``field``."""
    return place_layers([(f"{field}.{i}", layer) for i, layer in enumerate(layers)], input_shape, "the layer around it")


class Chain:
    """The passes f_1 ... f_n of a list of layers, one after the other.

    y = f_n(... f_1(x));  dx = what f_1 hands back of what f_2 hands back ... of what f_n makes of delta.

    Derived in docs/derivations/sequential.md.
    """

    def __init__(self, places: Places, buffers: Buffers) -> None:
        self.layers: list[Pass] = []
        for i, place in enumerate(places.places):
            inner = replace(
                buffers,
                input_shape=(*buffers.lead, *place.input_shape),
                parameters=place.mine(buffers.parameters),
                gradients=place.mine(buffers.gradients),
                state=place.mine(buffers.state),
                masks=place.mine(buffers.masks),
                input_gradient=buffers.input_gradient or i > 0,
            )
            self.layers.append(place.layer.scratch(inner))
        self.backwards = self.layers[::-1]

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, delta: Array) -> Array:
        for layer in self.backwards:
            delta = layer.backward(delta)
        return delta


def below(name: str, buffers: Buffers) -> Buffers:
    """``buffers`` with what lies under the local name ``name``."""

    def inside(arrays: Mapping[str, Array]) -> dict[str, Array]:
        start = f"{name}."
        return {key.removeprefix(start): value for key, value in arrays.items() if key.startswith(start)}

    return replace(
        buffers,
        parameters=inside(buffers.parameters),
        gradients=inside(buffers.gradients),
        state=inside(buffers.state),
        masks=inside(buffers.masks),
    )


def prefixed(name: str, found: Mapping[str, T]) -> dict[str, T]:
    """``found`` under names that begin with ``name``."""
    return {f"{name}.{key}": value for key, value in found.items()}
