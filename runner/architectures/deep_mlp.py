"""A deep multi-layer perceptron: many hidden layers of one width, with normalisation and shortcuts if wanted."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import MOST_REPEATS, Architecture, Node, Nodes, check_choice, check_counts
from runner.arrays import Shape
from runner.errors import check_up_to

PLAIN, BATCH = "none", "batch_norm1d"
NORMS = (PLAIN, "layer_norm", BATCH)


@dataclass(frozen=True, kw_only=True)
class DeepMLP(Architecture):
    """``depth`` hidden layers: each a linear layer of ``width`` outputs, the ``norm`` and the ``activation``.

    ``residual``: from the second on, each is added to its own input. A last linear layer has ``out`` outputs.
    """

    depth: int
    width: int
    activation: str
    norm: str
    residual: bool
    out: int

    def check(self) -> None:
        check_counts(width=self.width, out=self.out)
        check_up_to(MOST_REPEATS, depth=self.depth)
        check_choice("norm", self.norm, NORMS)

    def make_layers(self, input_shape: Shape) -> Nodes:
        nodes = self._hidden()
        for _ in range(self.depth - 1):
            if self.residual:
                nodes.append(("depth", {"layer": "residual", "layers": [node for _, node in self._hidden()]}))
            else:
                nodes += self._hidden()
        return [*nodes, ("out", {"layer": "linear", "out": self.out})]

    def _hidden(self) -> Nodes:
        linear: Node = {"layer": "linear", "out": self.width, "bias": self.norm != BATCH}  # batch_norm1d has its own
        norm: Nodes = [] if self.norm == PLAIN else [("norm", {"layer": self.norm})]
        return [("width", linear), *norm, ("activation", {"layer": self.activation})]
