"""Autoencoder: linear layers down to a few numbers and up again (Hinton and Salakhutdinov 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from runner.architectures.base import Architecture, Nodes, check_counts, linear_layers
from runner.arrays import Shape


@dataclass(frozen=True, kw_only=True)
class Autoencoder(Architecture):
    """Linear layers of the ``hidden`` widths, one of ``code`` outputs, the ``hidden`` widths backwards, the input's.

    The ``activation`` stands after each of the ``hidden`` widths. The output has the shape of the input.
    """

    hidden: list[int]
    code: int
    activation: str

    def check(self) -> None:
        check_counts(hidden=self.hidden, code=self.code)

    def make_layers(self, input_shape: Shape) -> Nodes:
        up = linear_layers("hidden", self.hidden[::-1], self.activation)
        return [
            *linear_layers("hidden", self.hidden, self.activation),
            ("code", {"layer": "linear", "out": self.code}),
            *up,
            ("code", {"layer": "linear", "out": prod(input_shape)}),
        ]
