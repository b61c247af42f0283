"""A small residual network for images (He et al. 2016, section 4.2, with projection shortcuts)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import MOST_REPEATS, Architecture, Node, Nodes, check_counts, check_not_empty
from runner.arrays import Shape
from runner.errors import check_up_to

RELU: Node = {"layer": "relu"}


@dataclass(frozen=True, kw_only=True)
class ResNetSmall(Architecture):
    """A convolution of ``channels[0]``; for each of ``channels``, ``blocks`` residual blocks; the mean of each channel.

    From the second of ``channels`` on, the first block halves height and width. The last, linear layer has ``out``
    outputs.
    """

    channels: list[int]
    blocks: int
    out: int

    def check(self) -> None:
        check_not_empty(channels=self.channels)
        check_counts(channels=self.channels, out=self.out)
        check_up_to(MOST_REPEATS, blocks=self.blocks)

    def make_layers(self, input_shape: Shape) -> Nodes:
        nodes: Nodes = [("channels.0", node) for node in (*convolution(self.channels[0], 3, 1), RELU)]
        before = self.channels[0]
        for i, channels in enumerate(self.channels):
            for k in range(self.blocks):
                stride = 2 if i and not k else 1
                nodes += [(f"channels.{i}", node) for node in (block(before, channels, stride), RELU)]
                before = channels
        nodes.append(("channels", {"layer": "adaptive_avg_pool2d", "output_size": 1}))
        nodes.append(("channels", {"layer": "flatten"}))
        return [*nodes, ("out", {"layer": "linear", "out": self.out})]


def convolution(channels: int, kernel_size: int, stride: int) -> list[Node]:
    """A convolution and its batch normalisation, whose own bias takes the place of the convolution's."""
    sizes = {"kernel_size": kernel_size, "stride": stride, "padding": kernel_size // 2}
    return [{"layer": "conv2d", "out_channels": channels, "bias": False, **sizes}, {"layer": "batch_norm2d"}]


def block(before: int, channels: int, stride: int) -> Node:
    """Two convolutions beside a shortcut: the identity, or a projection where channels or size change."""
    projected = before != channels or stride != 1
    return {
        "layer": "residual",
        "layers": [*convolution(channels, 3, stride), RELU, *convolution(channels, 3, 1)],
        "shortcut": convolution(channels, 1, stride) if projected else None,
    }
