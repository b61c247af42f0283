"""Configuration -> the network: layers, and the lists of layers inside them, from their nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runner.architectures.base import Architecture
from runner.arrays import Shape
from runner.catalog import Catalog
from runner.config import build, build_named
from runner.errors import ConfigError
from runner.layers.base import Layer
from runner.layers.placing import call
from runner.network import Network, build_network


def network_of(node: object, input_shape: Shape, catalog: Catalog) -> Network:
    """The network that ``architecture`` describes, for samples of that shape.

    Raises:
        ConfigError: A key is wrong, or shapes do not fit.
    """
    architecture = build(node, "architecture", Architecture)
    try:
        nodes = architecture.specification(input_shape)
    except ConfigError as error:
        raise error.below("architecture") from error
    if architecture.layers is None:
        maker = type(architecture).__name__
        if not nodes:
            raise ConfigError("architecture", f"an empty list from {maker}.make_layers", "at least one layer")
        made = [(f"architecture.{key}", _made_layer(node, key, architecture, catalog)) for key, node in nodes]
        return build_network(made, input_shape, maker)
    if not nodes:
        raise ConfigError("architecture.layers", "an empty list", "at least one layer")
    keyed = [(f"architecture.{key}", node) for key, node in nodes]
    return build_network([(key, build_layer(node, key, catalog)) for key, node in keyed], input_shape)


def _made_layer(node: dict[str, Any], key: str, architecture: Architecture, catalog: Catalog) -> Layer:
    """A layer that the architecture has made of its ``key``; the keys of ``node`` itself are none that can be set."""
    try:
        return build_layer(node, "layer", catalog)
    except ConfigError as error:
        inner = ConfigError(error.key.removeprefix("layer").removeprefix("."), error.got, error.allowed)
        chosen = not inner.key and getattr(architecture, key, None) == node["layer"]
        part = f"a {node['layer']} of {type(architecture).__name__}"
        raise (inner.below(key) if chosen else inner.of_part(key, part)).below("architecture") from error


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
    return call(made, node["layer"])  # type: ignore[index]  # build_named has seen that it is a mapping
