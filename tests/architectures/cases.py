"""A small network of every architecture, and how a run is cut down to its first samples."""

from __future__ import annotations

import dataclasses

from runner.assemble import Setup
from runner.network import Network
from tests.helpers import make_setup

CLASSES = ("target=given", "loss=cross_entropy")
DIGITS = ("data=digits", *CLASSES)
FLAT = (*DIGITS, "data.flat=true")
TOKENS = ("data=tokens", "architecture=transformer_small", "architecture.vocabulary=8", "architecture.out=8", *CLASSES)

CASES: dict[str, tuple[str, ...]] = {
    "mlp": (*FLAT, "architecture=mlp", "architecture.activation=gelu", "architecture.out=10"),
    "sequential": (*FLAT, "architecture=sequential", "architecture.layers=[{layer: linear, out: 10}]"),
    "lenet": (*DIGITS, "architecture=lenet", "architecture.channels=[3,4]", "architecture.hidden=[12,9]"),
    "lenet, averages": (*DIGITS, "architecture=lenet", "architecture.pool=avg", "architecture.activation=tanh"),
    "lenet, 28 x 28": ("data=shapes", "data.size=28", *CLASSES, "architecture=lenet", "architecture.out=4"),
    "resnet_small": (*DIGITS, "architecture=resnet_small", "architecture.channels=[3,5]", "architecture.blocks=2"),
    "transformer_small": (*DIGITS, "architecture=transformer_small", "architecture.width=12"),
    "transformer_small, tokens": (*TOKENS, "architecture.causal=true", "architecture.dropout=0.1"),
    "transformer_small, no biases": (*TOKENS, "architecture.bias=false", "architecture.depth=1"),
    "lstm_small": (*DIGITS, "architecture=lstm_small", "architecture.hidden=7"),
    "lstm_small, gru": (*DIGITS, "architecture=lstm_small", "architecture.cell=gru"),
    "lstm_small, rnn": (*DIGITS, "architecture=lstm_small", "architecture.cell=rnn"),
    "autoencoder": ("data=digits", "data.flat=true", "target=inputs", "architecture=autoencoder"),
    "autoencoder, linear": ("target=inputs", "architecture=autoencoder", "architecture.hidden=[]"),
    "deep_mlp": (*FLAT, "architecture=deep_mlp", "architecture.out=10"),
    "deep_mlp, batch_norm1d": (*FLAT, "architecture=deep_mlp", "architecture.norm=batch_norm1d", "architecture.out=10"),
    "deep_mlp, shortcuts": (
        *FLAT,
        "architecture=deep_mlp",
        "architecture.norm=layer_norm",
        "architecture.residual=true",
        "architecture.depth=3",
        "architecture.out=10",
    ),
}


def cut(setup: Setup, samples: int) -> Setup:
    """The same run on the first samples alone, once, with nothing held out."""
    return dataclasses.replace(setup, x=setup.x[:samples], y=setup.y[:samples], epochs=1, held_out=None)


def network_of(name: str) -> Network:
    return make_setup(*CASES[name], "batch_size=6").problem.network
