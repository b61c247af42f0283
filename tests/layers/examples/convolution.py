"""Convolution, pooling and flattening: strides, padding, dilation, groups, even and rectangular kernels."""

from __future__ import annotations

from tests.layers.example import Example

EXAMPLES: dict[str, list[Example]] = {
    "conv1d": [
        Example({"out_channels": 2, "kernel_size": 3}, (1, 5)),
        Example({"out_channels": 3, "kernel_size": 2, "stride": 2, "padding": 1}, (2, 6)),
        Example({"out_channels": 4, "kernel_size": 3, "stride": 3, "dilation": 2, "groups": 2}, (2, 12)),
        Example({"out_channels": 2, "kernel_size": 4, "padding": "same", "bias": False}, (2, 5)),
        Example({"out_channels": 3, "kernel_size": 3, "padding": "same", "dilation": 2, "groups": 3}, (3, 7)),
        Example({"out_channels": 5, "kernel_size": 4, "padding": "valid"}, (2, 4)),
        Example({"out_channels": 3, "kernel_size": 1}, (2, 4)),
        Example({"out_channels": 2, "kernel_size": 1, "stride": 2, "padding": 1}, (2, 3)),
        Example({"out_channels": 2, "kernel_size": [2], "stride": [2], "padding": [1], "dilation": [3]}, (2, 6)),
    ],
    "conv2d": [
        Example({"out_channels": 2, "kernel_size": 3}, (1, 4, 5)),
        Example({"out_channels": 3, "kernel_size": 3, "padding": 1}, (2, 4, 3)),
        Example({"out_channels": 2, "kernel_size": 2, "stride": 2}, (3, 4, 5)),
        Example({"out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 1, "bias": False}, (2, 6, 4)),
        Example({"out_channels": 3, "kernel_size": [3, 2], "stride": [1, 2], "padding": [2, 0]}, (2, 3, 5)),
        Example({"out_channels": 2, "kernel_size": 3, "dilation": 2, "padding": 2}, (1, 5, 4)),
        Example({"out_channels": 2, "kernel_size": [2, 3], "dilation": [3, 1], "stride": [2, 1]}, (2, 7, 4)),
        Example({"out_channels": 4, "kernel_size": 2, "groups": 2}, (4, 3, 3)),
        Example({"out_channels": 3, "kernel_size": 3, "padding": 1, "groups": 3}, (3, 3, 4)),
        Example({"out_channels": 6, "kernel_size": [1, 3], "groups": 3, "bias": False}, (3, 2, 4)),
        Example({"out_channels": 2, "kernel_size": 4, "padding": "same"}, (2, 3, 4)),
        Example({"out_channels": 2, "kernel_size": [2, 3], "padding": "same", "dilation": [1, 2]}, (1, 4, 5)),
        Example({"out_channels": 5, "kernel_size": [3, 4], "padding": "valid"}, (2, 3, 4)),
        Example({"out_channels": 3, "kernel_size": 1}, (2, 3, 2)),
        Example({"out_channels": 4, "kernel_size": 1, "groups": 2, "bias": False}, (4, 2, 1)),
        Example({"out_channels": 2, "kernel_size": 1, "stride": 2}, (2, 4, 3)),
        Example({"out_channels": 2, "kernel_size": 1, "padding": 1}, (1, 2, 2)),
        Example({"out_channels": 2, "kernel_size": 2, "stride": 3}, (1, 7, 6)),
    ],
    "max_pool2d": [
        Example({"kernel_size": 2}, (1, 4, 4)),
        Example({"kernel_size": 2}, (2, 5, 3)),
        Example({"kernel_size": 3, "stride": 2, "padding": 1}, (2, 5, 4)),
        Example({"kernel_size": [2, 3], "stride": [1, 2]}, (2, 4, 5)),
        Example({"kernel_size": 3, "stride": 1, "padding": 1}, (1, 3, 4)),
        Example({"kernel_size": 2, "stride": 1, "dilation": 2}, (2, 4, 5)),
        Example({"kernel_size": [3, 2], "dilation": [1, 3], "padding": [1, 1], "stride": 2}, (1, 4, 5)),
        Example({"kernel_size": 2, "ceil_mode": True}, (2, 5, 3)),
        Example({"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (1, 6, 4)),
        Example({"kernel_size": [4, 5]}, (2, 4, 5)),
        Example({"kernel_size": 1, "stride": 2}, (1, 3, 4)),
    ],
    "avg_pool2d": [
        Example({"kernel_size": 2}, (1, 4, 4)),
        Example({"kernel_size": 2}, (2, 5, 3)),
        Example({"kernel_size": 3, "stride": 2, "padding": 1}, (2, 5, 4)),
        Example({"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, (2, 5, 4)),
        Example({"kernel_size": [2, 3], "stride": [1, 2], "padding": [0, 1]}, (2, 4, 5)),
        Example({"kernel_size": 3, "stride": 1, "padding": 1, "divisor_override": 4}, (1, 3, 4)),
        Example({"kernel_size": 2, "ceil_mode": True}, (2, 5, 3)),
        Example({"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (1, 6, 4)),
        Example(
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}, (2, 6, 3)
        ),
        Example({"kernel_size": 2, "ceil_mode": True, "divisor_override": 3}, (1, 3, 3)),
        Example({"kernel_size": [4, 5]}, (2, 4, 5)),
        Example({"kernel_size": 1, "stride": 2}, (1, 3, 4)),
    ],
    "adaptive_avg_pool2d": [
        Example({"output_size": 1}, (3, 4, 5)),
        Example({"output_size": 2}, (2, 4, 6)),
        Example({"output_size": [3, 2]}, (1, 5, 3)),
        Example({"output_size": [None, 2]}, (2, 3, 5)),
        Example({"output_size": [2, None]}, (1, 3, 2)),
        Example({"output_size": 5}, (1, 3, 4)),
    ],
    "flatten": [
        Example({}, (2, 3, 4)),
        Example({}, (3,)),
        Example({"start_dim": 2}, (2, 3, 2)),
        Example({"end_dim": 2}, (2, 3, 2)),
        Example({"start_dim": -2, "end_dim": -1}, (2, 1, 3)),
        Example({"start_dim": 2, "end_dim": 2}, (2, 3)),
    ],
}
