"""Multi-layer perceptron: linear layers with one activation between them."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import Architecture, Nodes, check_counts, linear_layers
from runner.arrays import Shape


@dataclass(frozen=True, kw_only=True)
class MLP(Architecture):
    """``hidden`` widths, the ``activation`` after each, and a last linear layer of ``out`` outputs."""

    hidden: list[int]
    activation: str
    out: int

    def check(self) -> None:
        check_counts(hidden=self.hidden, out=self.out)

    def make_layers(self, input_shape: Shape) -> Nodes:
        return [*linear_layers("hidden", self.hidden, self.activation), ("out", {"layer": "linear", "out": self.out})]
