"""Networks of lists of layers, and what an initialisation draws for them."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

from runner.arrays import Array, Shape
from runner.building import build_layer
from runner.config import build
from runner.errors import ConfigError
from runner.init.base import Init
from runner.layers.base import Layer, Parameter
from runner.layers.opaque import Opaque
from runner.network import Network, Place, build_network
from tests.helpers import CATALOG


def network_of(layers: list[dict[str, Any]], shape: Shape) -> Network:
    return build_network([(f"layers.{i}", build_layer(keys, "layer", CATALOG)) for i, keys in enumerate(layers)], shape)


def alone(layer: Layer, shape: Shape) -> Network:
    """The layer's own parameters under their local names."""
    return Network((Place("", layer, shape, layer.output_shape(shape), layer.parameters(shape)),))


def make_init(name: str, **keys: Any) -> Init:
    """As the configuration makes it, by the defaults of conf/init."""
    defaults = OmegaConf.to_container(OmegaConf.load(CATALOG.find("init", name, "init")))
    assert isinstance(defaults, dict)
    return build({**defaults, **keys}, "init", Init)


def drawn(name: str, network: Network, seed: int = 1, **keys: Any) -> dict[str, Array]:
    return make_init(name, **keys).draw(network, seed)


def opaque(shape: Shape) -> Network:
    """A module that the program has no layers for, with one parameter, ``weight``."""
    parameters = {"weight": Parameter(shape, 1)}
    layer = Opaque(name=None, specified=parameters, made=(1,), printed="Mine()")
    return Network((Place("", layer, (1,), (1,), parameters),))


def complaint(name: str, **keys: Any) -> str:
    """What the configuration is told of these keys."""
    try:
        make_init(name, **keys)
    except ConfigError as error:
        return str(error)
    return ""
