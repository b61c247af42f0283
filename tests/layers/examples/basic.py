"""Linear, the first three activations, and the layers that hold layers."""

from tests.layers.example import Example

SMALL = [{"layer": "linear", "out": 4}, {"layer": "tanh"}, {"layer": "linear", "out": 5, "bias": False}]
DEEP = [{"layer": "sequential", "layers": SMALL}, {"layer": "sigmoid"}, {"layer": "residual", "layers": SMALL}]
PROJECTED = {"layers": SMALL, "shortcut": [{"layer": "linear", "out": 5, "name": "projection"}]}
DROPPED = [{"layer": "linear", "out": 3}, {"layer": "dropout", "p": 0.5}, {"layer": "linear", "out": 3}]
NORMED = [{"layer": "linear", "out": 3}, {"layer": "batch_norm1d"}]

EXAMPLES = {
    "linear": [
        Example({"out": 1}, (3,)),
        Example({"out": 7}, (5,)),
        Example({"out": 4, "bias": False}, (1,)),
        Example({"out": 3}, (4, 2)),
        Example({"out": 2, "bias": False}, (2, 3, 4)),
    ],
    "sigmoid": [Example({}, (6,)), Example({}, (2, 3, 4))],
    "tanh": [Example({}, (6,)), Example({}, (2, 3, 4))],
    "relu": [Example({}, (6,)), Example({}, (2, 3, 4))],
    "sequential": [
        Example({"layers": SMALL}, (3,)),
        Example({"layers": DEEP}, (5,)),
        Example({"layers": DROPPED}, (2,)),
        Example({"layers": NORMED}, (2,)),
        Example({"layers": [{"layer": "embedding", "num_embeddings": 6, "embedding_dim": 3}, *SMALL]}, (4,), 6),
    ],
    "residual": [
        Example({"layers": SMALL}, (5,)),
        Example(PROJECTED, (3,)),
        Example({"layers": SMALL}, (2, 5)),
        Example({"layers": [{"layer": "residual", **PROJECTED}, {"layer": "linear", "out": 3}]}, (3,)),
        Example({"layers": DROPPED, "shortcut": NORMED}, (3,)),
    ],
}
