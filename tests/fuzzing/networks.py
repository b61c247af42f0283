"""Random bodies of networks, a function for each kind."""

from __future__ import annotations

from functools import cache
from math import exp

import numpy as np

from tests.fuzzing.layers import Drawn, Rng, chance, log_int, one_of
from tests.fuzzing.written import CATALOG, Node

NO_ACTIVATION = (
    "flatten",
    "dropout",
    "softmax",
    "log_softmax",
    "layer_norm",
    "rms_norm",
    "batch_norm1d",
    "batch_norm2d",
)


@cache
def activations() -> list[str]:
    """Every layer that needs no key and keeps the shape, element by element: new ones join by existing."""
    plain = [n for n in CATALOG.names("layer") if "???" not in CATALOG.find("layer", n, "").read_text(encoding="utf-8")]
    return [name for name in plain if name not in NO_ACTIVATION]


def dense(drawn: Drawn, widest: int, deepest: int) -> None:
    """Up to ``deepest`` layers as wide as ``widest``, what normalises, drops or goes around between them."""
    rng = drawn.rng
    depth, base, bias = log_int(rng, 1, deepest), log_int(rng, 1, widest), chance(rng, 0.9)
    kinds = [one_of(rng, activations())] if chance(rng, 0.6) else activations()
    more = 0.0 if chance(rng, 0.4) else 0.25
    for _ in range(depth):
        out = int(np.clip(round(base * exp(rng.normal(0, 0.3))), 1, widest))
        if chance(rng, more) and drawn.nodes:
            around(drawn, kinds)
        drawn.add("linear", out=out, bias=bias)
        if chance(rng, more):
            drawn.add(one_of(rng, ["batch_norm1d", "layer_norm", "rms_norm", "dropout", "softmax", "log_softmax"]))
        drawn.add(one_of(rng, kinds))


def image(drawn: Drawn, keeps: bool) -> None:
    """One to six layers over (channels, height, width); they keep height and width if ``keeps``."""
    rng, kinds = drawn.rng, _kinds(drawn.rng)
    same: Node = {"padding": "same", "stride": 1} if keeps else {}
    narrowing = [] if keeps else ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d"]
    for _ in range(log_int(rng, 1, 6)):
        name = one_of(rng, ["conv2d", "conv2d", *narrowing, "batch_norm2d", "group_norm", "residual", *_anywhere(rng)])
        if name == "residual":
            around(drawn, kinds)
        else:
            drawn.add(name, **(same if name == "conv2d" else {}))
        if name == "conv2d" and chance(rng, 0.7):
            drawn.add(one_of(rng, kinds))


def signal(drawn: Drawn) -> None:
    """One to five layers over (channels, length), convolutions first."""
    rng, kinds = drawn.rng, _kinds(drawn.rng)
    for _ in range(log_int(rng, 1, 5)):
        name = one_of(rng, ["conv1d", "conv1d", "batch_norm1d", "group_norm", "residual", *_anywhere(rng)])
        around(drawn, kinds, "conv1d") if name == "residual" else drawn.add(name)
        if name == "conv1d" and chance(rng, 0.7):
            drawn.add(one_of(rng, kinds))


def sequence(drawn: Drawn) -> None:
    """One to five layers over (time, features), until one gives the state after the last step alone."""
    rng, kinds = drawn.rng, _kinds(drawn.rng)
    for _ in range(log_int(rng, 1, 5)):
        if len(drawn.shape) < 2:
            return
        found = ["rnn", "lstm", "gru", "multi_head_attention", "residual", "linear", *_anywhere(rng)]
        name = one_of(rng, found)
        around(drawn, kinds) if name == "residual" else drawn.add(name)
        if name == "linear" and chance(rng, 0.7):
            drawn.add(one_of(rng, kinds))


def around(drawn: Drawn, kinds: list[str], middle: str = "") -> None:
    """A residual layer, or a list as one layer, that fits where it stands; the shortcut is a layer too, sometimes."""
    rng, shape = drawn.rng, drawn.shape
    inner, beside = Drawn(rng, shape), Drawn(rng, shape)
    if chance(rng, 0.4):
        inner.add(one_of(rng, ["layer_norm", "rms_norm", "dropout"]))
    if len(shape) == 3 or middle == "conv1d":
        name = "conv1d" if len(shape) == 2 else "conv2d"
        out = shape[0] if chance(rng, 0.6) else log_int(rng, 1, 4)
        inner.add(name, padding="same", stride=1)
        inner.add(one_of(rng, kinds))
        inner.add(name, padding="same", stride=1, groups=1, out_channels=out)
        if out != shape[0]:
            beside.add(name, kernel_size=1, padding=0, stride=1, dilation=1, groups=1, out_channels=out)
    elif len(shape) == 2 and chance(rng, 0.6):
        name = one_of(rng, ["multi_head_attention", "rnn", "lstm", "gru"])
        given: Node = {} if name == "multi_head_attention" else {"hidden_size": shape[1], "output": "all"}
        inner.add(name, **given)
    else:
        out = shape[-1] if chance(rng, 0.6) else log_int(rng, 1, 8)
        inner.add("linear")
        inner.add(one_of(rng, kinds))
        inner.add("linear", out=out)
        if out != shape[-1]:
            beside.add("linear", out=out)
    keys: Node = {"layers": inner.nodes}
    if chance(rng, 0.2):
        drawn.add_node({"layer": "sequential", **keys})
    else:
        drawn.add_node({"layer": "residual", **keys, "shortcut": beside.nodes or None})


def _kinds(rng: Rng) -> list[str]:
    return [one_of(rng, activations())] if chance(rng, 0.4) else activations()


def _anywhere(rng: Rng) -> list[str]:
    return ["layer_norm", "rms_norm", "dropout", "softmax", "log_softmax", one_of(rng, activations())]
