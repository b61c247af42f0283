"""Layers in their places: names by the rule, shapes inferred from one to the next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Layer, Mask, Parameter

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A layer in its place: its name, one sample's input and output shape, its parameters' local names."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: dict[str, Parameter]

    @property
    def masks(self) -> dict[str, Mask]:
        """The masks that a training step needs, by local names."""
        return self.layer.masks(self.input_shape)

    def full(self, local: str) -> str:
        """A parameter's name in the whole network, as in torch's state_dict."""
        return f"{self.name}.{local}" if self.name else local

    def mine(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Those of ``arrays``, by full names, that are this layer's, by local names."""
        start = self.full("")
        return {name.removeprefix(start): value for name, value in arrays.items() if name.startswith(start)}


@dataclass(frozen=True)
class Places:
    """Layers in the order of computation, and all that they have under full names."""

    places: tuple[Place, ...]

    @property
    def input_shape(self) -> Shape:
        return self.places[0].input_shape

    @property
    def output_shape(self) -> Shape:
        return self.places[-1].output_shape

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter under its full name, in the order of the layers."""
        return {place.full(local): p for place in self.places for local, p in place.parameters.items()}

    @property
    def buffers(self) -> dict[str, Array]:
        """What the layers carry from step to step, as it begins."""
        return self._of_all(lambda place: place.layer.buffers(place.input_shape))

    @cached_property  # asked for at every step
    def masks(self) -> dict[str, Mask]:
        """The masks that a training step needs."""
        return self._of_all(lambda place: place.masks)

    @property
    def fewest(self) -> int:
        """The fewest samples that a batch may have in training."""
        return max(place.layer.fewest(place.input_shape) for place in self.places)

    def _of_all(self, found: Callable[[Place], Mapping[str, T]]) -> dict[str, T]:
        return {place.full(local): value for place in self.places for local, value in found(place).items()}

    def torch(self) -> torch.nn.Module:
        """The same layers as one torch.nn.Sequential, under their names."""
        import torch

        module = torch.nn.Sequential()
        for place in self.places:
            # add_module refuses names that a Module has itself, such as forward
            module._modules[place.name] = place.layer.torch(place.input_shape)
        return module

    def lines(self) -> list[str]:
        """A line a layer, or several where it has layers in it, as PyTorch prints the children of a module."""
        told = [f"({p.name}): {p.layer.describe(p.input_shape)}" for p in self.places]
        return [f"  {line}" for text in told for line in text.split("\n")]


def place_layers(layers: Sequence[tuple[str, Layer]], input_shape: Shape, source: str) -> Places:
    """Names the layers and infers the shapes; each layer comes with the configuration's key for it.

    The first layer with parameters is ``input_layer``, the k-th after it ``hidden_layer_k``; a layer without
    parameters bears its kind and its place in the list; a layer's own ``name`` replaces either. ``source`` says in
    words where the input comes from.

    Raises:
        ConfigError: Shapes do not fit, or a name is given twice or is no identifier.
    """
    places: list[Place] = []
    shape, with_parameters = input_shape, 0
    for i, (key, layer) in enumerate(layers):
        if i and layer.takes_indices:
            words = "a list in which it stands first: its input are whole numbers"
            raise ConfigError(key, f"a {kind_of(layer)} after {source}", words)
        try:
            output_shape = layer.output_shape(shape)
            parameters = layer.parameters(shape)
        except ValueError as error:
            raise ConfigError(
                key, f"an input of shape {shape} from {source} in a {kind_of(layer)}", str(error)
            ) from error
        except ConfigError as error:
            raise error.below(key) from error
        if parameters:
            name = "input_layer" if with_parameters == 0 else f"hidden_layer_{with_parameters}"
            with_parameters += 1
        else:
            name = f"{kind_of(layer)}_{i}"
        name = layer.name if layer.name is not None else name
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ConfigError(f"{key}.name", repr(name), "letters, digits and _, not a digit first")
        places.append(Place(name, layer, shape, output_shape, parameters))
        shape, source = output_shape, f"{key} ({kind_of(layer)})"
    for name, times in Counter(place.name for place in places).items():
        if times > 1:
            raise ConfigError(layers[0][0].rpartition(".")[0], f"the name {name} {times} times", "each name once")
    return Places(tuple(places))


def kind_of(layer: Layer) -> str:
    """What the configuration calls it: one layer is one file."""
    return type(layer).__module__.rpartition(".")[2]
