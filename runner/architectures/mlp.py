"""Multi-layer perceptron: linear layers with one activation between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.architectures.base import Architecture
from runner.arrays import Shape
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class MLP(Architecture):
    """``hidden`` widths, the ``activation`` after each, and a last linear layer of ``out`` outputs."""

    hidden: list[int]
    activation: str
    out: int

    def check(self) -> None:
        for i, width in enumerate([*self.hidden, self.out]):
            if width < 1:
                key = "out" if i == len(self.hidden) else f"hidden.{i}"
                raise ConfigError(key, width, "a whole number from 1")

    def make_layers(self, input_shape: Shape) -> list[tuple[str, dict[str, Any]]]:
        layers: list[tuple[str, dict[str, Any]]] = []
        for i, width in enumerate(self.hidden):
            layers.append((f"hidden.{i}", {"layer": "linear", "out": width}))
            layers.append(("activation", {"layer": self.activation}))
        return [*layers, ("out", {"layer": "linear", "out": self.out})]
