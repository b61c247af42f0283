"""Random keys for every layer, and lists of layers whose shapes fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log, prod
from typing import Any

import numpy as np

from runner.arrays import Shape
from runner.building import build_layer
from runner.errors import ConfigError
from runner.layers.base import Layer
from tests.fuzzing.written import CATALOG, Node

LARGEST = 1200
"""Numbers of one sample, at any place in the network."""

Rng = np.random.Generator


def log_int(rng: Rng, low: int, high: int) -> int:
    """Log-uniform from ``low`` to ``high``."""
    return int(exp(rng.uniform(log(low), log(high + 1))))


def one_of(rng: Rng, values: Sequence[Any]) -> Any:
    """Evenly."""
    return values[int(rng.integers(len(values)))]


def chance(rng: Rng, p: float) -> bool:
    """True with probability ``p``."""
    return bool(rng.random() < p)


def divisor(rng: Rng, n: int) -> int:
    """A random divisor."""
    return int(one_of(rng, [k for k in range(1, n + 1) if n % k == 0]))


def _per_axis(rng: Rng, low: int, high: int) -> Any:
    """One number, or one for each of two axes."""
    low_high = (low, high + 1)
    return [int(n) for n in rng.integers(*low_high, 2)] if chance(rng, 0.3) else int(rng.integers(*low_high))


def _convolution(rng: Rng, shape: Shape) -> Node:
    groups = divisor(rng, shape[0]) if chance(rng, 0.4) else 1
    plain = len(shape) == 2
    pick = (lambda low, high: int(rng.integers(low, high + 1))) if plain else lambda a, b: _per_axis(rng, a, b)
    padding = one_of(rng, ["same", "valid", 0, pick(0, 2)])
    return {
        "out_channels": groups * int(rng.integers(1, max(2, 6 // groups))),
        "kernel_size": pick(1, 3),
        "stride": 1 if padding == "same" else pick(1, 2),
        "padding": padding,
        "dilation": 1 if chance(rng, 0.7) else pick(1, 2),
        "groups": groups,
        "bias": chance(rng, 0.8),
    }


def _pooling(rng: Rng) -> Node:
    kernel = _per_axis(rng, 1, 3)
    half = [k // 2 for k in kernel] if isinstance(kernel, list) else kernel // 2
    padding = half if chance(rng, 0.3) else 0
    stride = None if chance(rng, 0.5) else _per_axis(rng, 1, 2)
    return {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": chance(rng, 0.3)}


def _recurrent(rng: Rng) -> Node:
    return {"hidden_size": log_int(rng, 1, 10), "bias": chance(rng, 0.8), "output": one_of(rng, ["last", "all"])}


def _batch_norm(rng: Rng) -> Node:
    keys: Node = {"eps": one_of(rng, [1e-5, 1e-3]), "momentum": one_of(rng, [0.1, 0.5, 1.0, None])}
    return keys | {"affine": chance(rng, 0.8), "track_running_stats": chance(rng, 0.8)}


def _normalized(rng: Rng, shape: Shape) -> list[int] | None:
    return None if chance(rng, 0.6) else list(shape[-int(rng.integers(1, len(shape) + 1)) :])


def _axis(rng: Rng, shape: Shape) -> Node:
    return {"dim": -1 if chance(rng, 0.6) else int(rng.integers(1, len(shape) + 1))}


KEYS: dict[str, Callable[[Rng, Shape], Node]] = {
    "adaptive_avg_pool2d": lambda rng, _: {"output_size": one_of(rng, [1, 2, 3, [2, 1], [None, 2], [3, None]])},
    "avg_pool2d": lambda rng, _: (
        _pooling(rng) | {"count_include_pad": chance(rng, 0.5), "divisor_override": one_of(rng, [None, None, 3])}
    ),
    "batch_norm1d": lambda rng, _: _batch_norm(rng),
    "batch_norm2d": lambda rng, _: _batch_norm(rng),
    "conv1d": _convolution,
    "conv2d": _convolution,
    "dropout": lambda rng, _: {"p": one_of(rng, [0.1, 0.5, 0.8, 0.0])},
    "elu": lambda rng, _: {"alpha": one_of(rng, [1.0, 0.3, 2.0])},
    "flatten": lambda rng, _: {},
    "gelu": lambda rng, _: {"approximate": one_of(rng, ["none", "tanh"])},
    "group_norm": lambda rng, shape: {"num_groups": divisor(rng, shape[0]), "affine": chance(rng, 0.8)},
    "gru": lambda rng, _: _recurrent(rng),
    "hardtanh": lambda rng, _: one_of(rng, [{}, {"min_val": 0.0, "max_val": 6.0}, {"min_val": -0.3}]),
    "layer_norm": lambda rng, shape: {
        "normalized_shape": _normalized(rng, shape),
        "elementwise_affine": chance(rng, 0.8),
        "bias": chance(rng, 0.7),
        "eps": one_of(rng, [1e-5, 1e-2]),
    },
    "leaky_relu": lambda rng, _: {"negative_slope": one_of(rng, [0.01, 0.3, -0.5])},
    "linear": lambda rng, _: {"out": log_int(rng, 1, 12), "bias": chance(rng, 0.85)},
    "log_softmax": _axis,
    "lstm": lambda rng, _: _recurrent(rng),
    "max_pool2d": lambda rng, _: _pooling(rng) | {"dilation": 1 if chance(rng, 0.7) else _per_axis(rng, 1, 2)},
    "multi_head_attention": lambda rng, shape: {
        "num_heads": divisor(rng, shape[-1]),
        "bias": chance(rng, 0.8),
        "causal": chance(rng, 0.4),
        "dropout": one_of(rng, [0.0, 0.0, 0.3]),
    },
    "rms_norm": lambda rng, shape: {
        "normalized_shape": _normalized(rng, shape),
        "eps": one_of(rng, [None, 1e-5]),
        "elementwise_affine": chance(rng, 0.8),
    },
    "rnn": lambda rng, _: _recurrent(rng) | {"nonlinearity": one_of(rng, ["tanh", "relu"])},
    "softmax": _axis,
    "softplus": lambda rng, _: one_of(rng, [{}, {"beta": 3.0}, {"threshold": 2.0}]),
}
"""For (rng, the input's shape); a layer that is not here has its defaults."""


class Drawn:
    """Layers one after another, and the shape that comes out of them."""

    def __init__(self, rng: Rng, shape: Shape) -> None:
        self.rng, self.first, self.shape = rng, shape, shape
        self.nodes: list[Node] = []
        self.layers: list[Layer] = []

    def add(self, name: str, **given: Any) -> bool:
        """Adds a layer with random keys but those ``given``; False where it does not fit, or would be too large."""
        drawn = KEYS[name](self.rng, self.shape) if name in KEYS and self.shape else {}
        return self.add_node({"layer": name, **drawn, **given})

    def add_node(self, node: Node) -> bool:
        """Adds a layer as it stands."""
        try:
            layer = build_layer(node, "architecture.layers", CATALOG)
            shape = layer.output_shape(self.shape)
        except (ConfigError, ValueError):
            return False
        if prod(shape) > LARGEST:
            return False
        self.nodes.append(node)
        self.layers.append(layer)
        self.shape = shape
        return True
