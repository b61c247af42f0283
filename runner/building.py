"""Configuration -> the network: layers, and the lists of layers inside them, from their nodes."""

from __future__ import annotations

from dataclasses import replace

from runner.architectures.base import Architecture
from runner.arrays import Shape
from runner.catalog import Catalog
from runner.config import build, build_named
from runner.errors import ConfigError
from runner.layers.base import Layer
from runner.network import Network, build_network


def network_of(node: object, input_shape: Shape, catalog: Catalog) -> Network:
    """The network that ``architecture`` describes, for samples of that shape.

    Raises:
        ConfigError: A key is wrong, or shapes do not fit.
    """
    architecture = build(node, "architecture", Architecture)
    try:
        nodes = [(f"architecture.{key}", node) for key, node in architecture.specification(input_shape)]
    except ConfigError as error:
        raise error.below("architecture") from error
    if not nodes:
        raise ConfigError("architecture.layers", "an empty list", "at least one layer")
    return build_network([(key, build_layer(node, key, catalog)) for key, node in nodes], input_shape)


def build_layer(node: object, key: str, catalog: Catalog) -> Layer:
    """The layer of ``{layer: NAME, ...its keys}``, and those of the lists in it.

    Raises:
        ConfigError: There is none of that name, or a key is wrong.
    """
    made = build_named(node, key, Layer, catalog, "layer", "layer")
    for name in made.nested:
        nodes = getattr(made, name)
        if nodes is not None:
            inside = [build_layer(node, f"{key}.{name}.{i}", catalog) for i, node in enumerate(nodes)]
            made = replace(made, **{name: inside})  # type: ignore[arg-type]
    return made
