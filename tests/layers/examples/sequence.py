"""Examples of the layers over sequences, over tokens, and of dropout."""

from __future__ import annotations

from tests.layers.example import Example

EXAMPLES: dict[str, list[Example]] = {
    "embedding": [
        Example({"num_embeddings": 7, "embedding_dim": 3}, (4,), vocabulary=7),
        Example({"num_embeddings": 5, "embedding_dim": 1, "padding_idx": 2}, (2, 3), vocabulary=5),
        Example({"num_embeddings": 4, "embedding_dim": 2, "padding_idx": -1}, (6,), vocabulary=4),
        Example({"num_embeddings": 3, "embedding_dim": 2}, (), vocabulary=3),
    ],
    "dropout": [
        Example({}, (6,)),
        Example({"p": 0.2}, (2, 3, 4)),
        Example({"p": 0.0}, (3,)),
        Example({"p": 1.0}, (3,)),
    ],
    "multi_head_attention": [
        Example({"num_heads": 2}, (5, 6)),
        Example({"num_heads": 1, "causal": True}, (4, 3)),
        Example({"num_heads": 4, "bias": False}, (3, 4)),
        Example({"num_heads": 2, "bias": False, "causal": True}, (6, 4)),
        Example({"num_heads": 1}, (1, 2)),
        Example({"num_heads": 2, "causal": True, "dropout": 0.3}, (4, 6)),
    ],
    "rnn": [
        Example({"hidden_size": 4}, (5, 3)),
        Example({"hidden_size": 3, "output": "every", "bias": False}, (4, 2)),
        Example({"hidden_size": 4, "nonlinearity": "relu", "output": "every"}, (3, 2)),
        Example({"hidden_size": 1, "nonlinearity": "relu"}, (1, 1)),
    ],
    "lstm": [
        Example({"hidden_size": 4}, (5, 3)),
        Example({"hidden_size": 3, "output": "every", "bias": False}, (4, 2)),
        Example({"hidden_size": 1}, (1, 1)),
    ],
    "gru": [
        Example({"hidden_size": 4}, (5, 3)),
        Example({"hidden_size": 3, "output": "every", "bias": False}, (4, 2)),
        Example({"hidden_size": 1}, (1, 1)),
    ],
}
"""By a layer's name in conf/layer."""
