"""Nothing but a list of layers."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import Architecture, Nodes
from runner.arrays import Shape
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Sequential(Architecture):
    """``layers`` must be given."""

    def make_layers(self, input_shape: Shape) -> Nodes:
        raise ConfigError("layers", "null", "a list of layers, each {layer: NAME, ...}")
