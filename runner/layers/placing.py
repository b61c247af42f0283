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
L = TypeVar("L", bound=Layer)

CHOSEN = "_chosen"
"""The attribute that holds the name by which the configuration has chosen a layer."""


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


@dataclass(frozen=True)
class Source:
    """Where an input comes from: the key of a layer, and what that is; without a key, words for what is no layer."""

    key: str | None
    words: str

    def __str__(self) -> str:
        return self.words if self.key is None else f"{self.key} ({self.words})"

    def below(self, prefix: str) -> Source:
        """The same, the key taken as lying inside ``prefix``."""
        return self if self.key is None else Source(f"{prefix}.{self.key}", self.words)


class MisfitError(ConfigError):
    """A layer does not take what comes from the ``source``, whose key lies where the layer's own does."""

    def __init__(self, key: str, head: str, source: Source, tail: str, allowed: str) -> None:
        self.parts = head, source, tail
        super().__init__(key, f"{head} {source} {tail}".rstrip(), allowed)

    def below(self, prefix: str) -> MisfitError:
        head, source, tail = self.parts
        return MisfitError(f"{prefix}.{self.key}", head, source.below(prefix), tail, self.allowed)


def place_layers(
    layers: Sequence[tuple[str, Layer]], input_shape: Shape, source: str, maker: str | None = None
) -> Places:
    """Names the layers and infers the shapes; each layer comes with the configuration's key for it.

    The first layer with parameters is ``input_layer``, the k-th after it ``hidden_layer_k``; a layer without
    parameters bears its kind and its place in the list; a layer's own ``name`` replaces either. ``source`` says in
    words where the input comes from. Where an architecture, ``maker``, has made the layers, their keys are those that
    it made them of, and nothing lies inside them.

    Raises:
        ConfigError: Shapes do not fit, or a name is given twice or is no identifier.
    """
    places: list[Place] = []
    shape, with_parameters, before = input_shape, 0, Source(None, source)
    for i, (key, layer) in enumerate(layers):
        part = f"a {kind_of(layer)}" if maker is None else f"a {kind_of(layer)} of {maker}"
        if i and layer.takes_indices:
            words = "a list in which it stands first: its input are whole numbers"
            raise MisfitError(key, f"{part} after", before, "", words)
        try:
            output_shape = layer.output_shape(shape)
            parameters = layer.parameters(shape)
            name = _name_of(layer, i, with_parameters if parameters else None)
        except ValueError as error:
            raise MisfitError(key, f"an input of shape {shape} from", before, f"in {part}", str(error)) from error
        except ConfigError as error:
            raise (error.below(key) if maker is None else error.of_part(key, part)) from error
        with_parameters += bool(parameters)
        places.append(Place(name, layer, shape, output_shape, parameters))
        shape, before = output_shape, Source(key, kind_of(layer))
    for name, times in Counter(place.name for place in places).items():
        if times > 1:
            key = layers[0][0].rpartition(".")[0] if maker is None else "architecture"
            raise ConfigError(key, f"the name {name} {times} times", "each name once")
    return Places(tuple(places))


def _name_of(layer: Layer, place: int, rank: int | None) -> str:
    """``rank`` counts the layers with parameters before one that has some."""
    if layer.name is None and rank is not None:
        return f"hidden_layer_{rank}" if rank else "input_layer"
    if layer.name is None:  # a file's name may hold what a module's may not
        return re.sub(r"\W|^(?=\d)", "_", f"{kind_of(layer)}_{place}", flags=re.ASCII)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", layer.name):
        raise ConfigError("name", repr(layer.name), "letters, digits and _, not a digit first")
    return layer.name


def kind_of(layer: Layer) -> str:
    """The name that the configuration has chosen it by (see ``call``), or that of its file."""
    chosen: str = vars(layer).get(CHOSEN, type(layer).__module__.rpartition(".")[2])
    return chosen


def call(layer: L, name: str) -> L:
    """``layer``, which the configuration has chosen by ``name``: no field, since those are the keys of its file."""
    object.__setattr__(layer, CHOSEN, name)
    return layer
