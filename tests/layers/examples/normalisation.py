"""Normalisations: over the last axes, over groups of channels, over the batch; with and without parameters."""

from __future__ import annotations

from tests.layers.example import Example

EXAMPLES: dict[str, list[Example]] = {
    "layer_norm": [
        Example({}, (5,)),
        Example({}, (2, 3, 4)),
        Example({"normalized_shape": [3, 4]}, (2, 3, 4)),
        Example({"normalized_shape": [2, 3, 4], "bias": False}, (2, 3, 4)),
        Example({"normalized_shape": 4}, (3, 4)),
        Example({"elementwise_affine": False, "eps": 0.1}, (3, 4)),
        Example({"eps": 1.0e-12}, (2, 6)),
    ],
    "rms_norm": [
        Example({}, (5,)),
        Example({}, (2, 3, 4)),
        Example({"normalized_shape": [3, 4]}, (2, 3, 4)),
        Example({"normalized_shape": 6}, (6,)),
        Example({"elementwise_affine": False, "eps": 0.1}, (3, 4)),
        Example({"eps": 0.0}, (2, 6)),
        Example({"eps": 0.1}, (3, 1)),
    ],
    "batch_norm1d": [
        Example({}, (3,)),
        Example({}, (2, 4)),
        Example({"momentum": None}, (3, 2)),
        Example({"affine": False, "momentum": 0.7}, (2, 5)),
        Example({"track_running_stats": False, "eps": 0.1}, (4,)),
        Example({"affine": False, "track_running_stats": False}, (2, 3)),
    ],
    "batch_norm2d": [
        Example({}, (2, 3, 2)),
        Example({"momentum": None, "affine": False}, (3, 2, 2)),
        Example({"track_running_stats": False, "eps": 0.1}, (2, 1, 4)),
        Example({"momentum": 1.0}, (1, 3, 3)),
    ],
    "group_norm": [
        Example({"num_groups": 2}, (4, 3)),
        Example({"num_groups": 1}, (3, 2, 2)),
        Example({"num_groups": 3, "eps": 0.1}, (6, 2)),
        Example({"num_groups": 2, "affine": False}, (2, 3, 2)),
        Example({"num_groups": 2}, (6,)),
    ],
}
