"""A small transformer encoder (Vaswani et al. 2017, section 3), normalised before each sublayer (Xiong et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import MOST_REPEATS, Architecture, Node, Nodes, check_counts, rows_of
from runner.arrays import Shape
from runner.errors import ConfigError, check_up_to

FEEDFORWARD = 4
"""How many times ``width`` the inner linear layer of a block is."""


@dataclass(frozen=True, kw_only=True)
class TransformerSmall(Architecture):
    """For sequences (time, features), images (the rows of each channel), or tokens of a ``vocabulary``.

    A linear layer or an embedding to ``width``; ``depth`` blocks, each as torch.nn.TransformerEncoderLayer with gelu
    and norm_first; a normalisation; a linear layer of ``out`` outputs, which sees every position. ``causal``: no
    position attends to a later one; ``dropout``: of attention's weights, of both sublayers, and inside the second;
    ``bias``: whether a block's attention, linear layers and normalisations have biases.
    """

    vocabulary: int | None
    width: int
    heads: int
    depth: int
    causal: bool
    dropout: float
    bias: bool
    out: int

    def check(self) -> None:
        check_counts(width=self.width, heads=self.heads, out=self.out)
        check_up_to(MOST_REPEATS, depth=self.depth)
        if self.vocabulary is not None:
            check_counts(vocabulary=self.vocabulary)
        if self.width % self.heads:
            raise ConfigError("heads", self.heads, f"a divisor of width, {self.width}")
        if not 0 <= self.dropout <= 1:
            raise ConfigError("dropout", self.dropout, "a number from 0 to 1")

    def make_layers(self, input_shape: Shape) -> Nodes:
        if self.vocabulary is None:
            nodes = [("width", node) for node in (*rows_of(input_shape), {"layer": "linear", "out": self.width})]
        else:
            embedding = {"layer": "embedding", "num_embeddings": self.vocabulary, "embedding_dim": self.width}
            nodes = [("vocabulary", embedding)]
        for _ in range(self.depth):
            nodes += [("depth", self._attention()), ("depth", self._feedforward())]
        nodes += [("depth", {"layer": "layer_norm"}), ("depth", {"layer": "flatten"})]
        return [*nodes, ("out", {"layer": "linear", "out": self.out})]

    def _attention(self) -> Node:
        attention = {
            "layer": "multi_head_attention",
            "num_heads": self.heads,
            "bias": self.bias,
            "causal": self.causal,
            "dropout": self.dropout,
        }
        return self._sublayer([attention])

    def _feedforward(self) -> Node:
        inner = {"layer": "linear", "out": FEEDFORWARD * self.width, "bias": self.bias}
        outer = {"layer": "linear", "out": self.width, "bias": self.bias}
        return self._sublayer([inner, {"layer": "gelu"}, *self._dropped(), outer])

    def _sublayer(self, layers: list[Node]) -> Node:
        normalised = {"layer": "layer_norm", "bias": self.bias}
        return {"layer": "residual", "layers": [normalised, *layers, *self._dropped()]}

    def _dropped(self) -> list[Node]:
        return [{"layer": "dropout", "p": self.dropout}] if self.dropout else []
