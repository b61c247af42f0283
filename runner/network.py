"""A list of layers -> named parameters; every shape is checked before anything runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.arrays import Shape
from runner.errors import ConfigError
from runner.layers.base import Layer, Parameter

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Place:
    """A layer in its place: its name, one sample's input and output shape, its parameters' local names."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: dict[str, Parameter]

    def full(self, local: str) -> str:
        """A parameter's name in the whole network, as in torch's state_dict."""
        return f"{self.name}.{local}" if self.name else local


@dataclass(frozen=True)
class Network:
    """Layers in the order of computation."""

    places: tuple[Place, ...]

    @property
    def input_shape(self) -> Shape:
        return self.places[0].input_shape

    @property
    def output_shape(self) -> Shape:
        return self.places[-1].output_shape

    @property
    def derived(self) -> bool:
        """Whether the project's own layers compute all of it."""
        return all(place.layer.derived for place in self.places)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter under its full name, in the order of the layers."""
        return {place.full(local): p for place in self.places for local, p in place.parameters.items()}

    @property
    def backward_order(self) -> list[str]:
        """The parameters' names in the order in which backpropagation computes their gradients."""
        if not self.derived:
            return list(self.parameters)[::-1]
        return [place.full(local) for place in reversed(self.places) for local in place.parameters]

    def torch(self) -> torch.nn.Module:
        """The same network as one torch.nn.Sequential, its layers under their names."""
        import torch

        module = torch.nn.Sequential()
        for place in self.places:
            # add_module refuses names that a Module has itself, such as forward
            module._modules[place.name] = place.layer.torch(place.input_shape)
        return module

    def __str__(self) -> str:
        """As PyTorch prints the equal torch.nn.Sequential; a module of the user's own as it prints itself."""
        if not self.derived:
            return "\n".join(p.layer.describe(p.input_shape) for p in self.places)
        lines = [f"  ({p.name}): {p.layer.describe(p.input_shape)}" for p in self.places]
        return "\n".join(["Sequential(", *lines, ")"])


def build_network(layers: Sequence[tuple[str, Layer]], input_shape: Shape) -> Network:
    """Names the layers and infers the shapes; each layer comes with the configuration's key for it.

    The first layer with parameters is ``input_layer``, the k-th after it ``hidden_layer_k``; a layer without
    parameters bears its kind and its place in the list; a layer's own ``name`` replaces either.

    Raises:
        ConfigError: Shapes do not fit, a name is given twice or is no identifier, or nothing has parameters.
    """
    places: list[Place] = []
    shape, with_parameters = input_shape, 0
    for i, (key, layer) in enumerate(layers):
        try:
            output_shape = layer.output_shape(shape)
        except ValueError as error:
            raise ConfigError(key, f"an input of shape {shape}", str(error)) from error
        parameters = layer.parameters(shape)
        if parameters:
            name = "input_layer" if with_parameters == 0 else f"hidden_layer_{with_parameters}"
            with_parameters += 1
        else:
            name = f"{type(layer).__name__.lower()}_{i}"
        name = layer.name if layer.name is not None else name
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ConfigError(f"{key}.name", repr(name), "letters, digits and _, not a digit first")
        places.append(Place(name, layer, shape, output_shape, parameters))
        shape = output_shape
    _check(places)
    return Network(tuple(places))


def _check(places: Sequence[Place]) -> None:
    for name, times in Counter(place.name for place in places).items():
        if times > 1:
            raise ConfigError("architecture.layers", f"the name {name} {times} times", "each name once")
    if not any(place.parameters for place in places):
        raise ConfigError(
            "architecture.layers", f"{len(places)} layers without parameters", "at least one layer with parameters"
        )
