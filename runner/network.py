"""A list of layers -> named parameters; every shape is checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Layer
from runner.layers.placing import Place, Places, place_layers

__all__ = ["Network", "Place", "build_network"]


@dataclass(frozen=True)
class Network(Places):
    """Layers in the order of computation."""

    @property
    def derived(self) -> bool:
        """Whether the project's own layers compute all of it."""
        return all(place.layer.derived for place in self.places)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of every parameter, by its full name."""
        return {name: p.shape for name, p in self.parameters.items()}

    @property
    def takes_indices(self) -> bool:
        """Whether its input are whole numbers."""
        return self.places[0].layer.takes_indices

    @property
    def backward_order(self) -> list[str]:
        """The parameters' names in the order in which backpropagation computes their gradients."""
        if not self.derived:
            return list(self.parameters)[::-1]
        return [place.full(local) for place in reversed(self.places) for local in place.parameters]

    def draw(self, rng: np.random.Generator, batch: int) -> dict[str, Array]:
        """The random numbers of one training step, the same for every backend."""
        return {name: mask.draw(rng, batch) for name, mask in self.masks.items()}

    def __str__(self) -> str:
        """As PyTorch prints the equal torch.nn.Sequential; a module of the user's own as it prints itself."""
        if not self.derived:
            return "\n".join(p.layer.describe(p.input_shape) for p in self.places)
        return "\n".join(["Sequential(", *self.lines(), ")"])


def build_network(layers: Sequence[tuple[str, Layer]], input_shape: Shape, maker: str | None = None) -> Network:
    """Names the layers and infers the shapes (see ``place_layers``); each layer comes with the key that it stands at.

    ``maker`` is the architecture that has made the layers, if it is not the configuration that lists them.

    Raises:
        ConfigError: Shapes do not fit, a name is given twice or is no identifier, or nothing has parameters.
    """
    network = Network(place_layers(layers, input_shape, "the data", maker).places)
    if not network.parameters:
        of, key = ("", "architecture.layers") if maker is None else (f" of {maker}", "architecture")
        raise ConfigError(key, f"{len(layers)} layers{of} without parameters", "at least one layer with parameters")
    return network
