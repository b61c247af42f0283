"""A recurrent layer over a sequence, and a linear layer on its last state."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import Architecture, Nodes, check_choice, check_counts, rows_of
from runner.arrays import Shape

CELLS = ("lstm", "gru", "rnn")


@dataclass(frozen=True, kw_only=True)
class LSTMSmall(Architecture):
    """For sequences (time, features) or images (the rows of each channel): a ``cell`` of ``hidden`` numbers of state.

    The linear layer has ``out`` outputs.
    """

    cell: str
    hidden: int
    out: int

    def check(self) -> None:
        check_choice("cell", self.cell, CELLS)
        check_counts(hidden=self.hidden, out=self.out)

    def make_layers(self, input_shape: Shape) -> Nodes:
        recurrent = {"layer": self.cell, "hidden_size": self.hidden, "output": "last"}
        nodes = [("hidden", node) for node in (*rows_of(input_shape), recurrent)]
        return [*nodes, ("out", {"layer": "linear", "out": self.out})]
