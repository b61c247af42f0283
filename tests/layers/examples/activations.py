"""What the activations are tried with."""

from __future__ import annotations

from tests.layers.example import Example

EXAMPLES: dict[str, list[Example]] = {
    "leaky_relu": [
        Example({}, (6,)),
        Example({"negative_slope": 0.3}, (3, 4)),
        Example({"negative_slope": -2.0}, (6,)),
    ],
    "elu": [Example({}, (6,)), Example({"alpha": 1.7}, (2, 3, 4)), Example({"alpha": -0.5}, (3, 4))],
    "selu": [Example({}, (6,)), Example({}, (3, 4))],
    "gelu": [
        Example({}, (6,)),
        Example({"approximate": "none"}, (3, 4)),
        Example({"approximate": "tanh"}, (6,)),
        Example({"approximate": "tanh"}, (2, 3, 4)),
    ],
    "silu": [Example({}, (6,)), Example({}, (2, 3, 4))],
    "mish": [Example({}, (6,)), Example({}, (3, 4))],
    "softplus": [
        Example({}, (6,)),
        Example({"beta": 2.5, "threshold": 0.5}, (3, 4)),
        Example({"beta": -1.5, "threshold": 1.0}, (6,)),
    ],
    "hardtanh": [Example({}, (6,)), Example({"min_val": -0.5, "max_val": 0.25}, (2, 3, 4))],
    "softsign": [Example({}, (6,)), Example({}, (3, 4))],
    "softmax": [
        Example({}, (6,)),
        Example({}, (3, 4)),
        Example({"dim": 1}, (3, 4)),
        Example({"dim": 2}, (2, 3, 4)),
        Example({"dim": -2}, (2, 3, 4)),
    ],
    "log_softmax": [
        Example({}, (6,)),
        Example({}, (2, 3, 4)),
        Example({"dim": 1}, (3, 4)),
        Example({"dim": -3}, (2, 3, 4)),
    ],
}
