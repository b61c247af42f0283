"""LeNet: convolutions with pooling after each, then linear layers (LeCun et al. 1998, section II B)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.architectures.base import Architecture, Nodes, check_choice, check_counts, check_not_empty, linear_layers
from runner.arrays import Shape

KERNEL, WINDOW = 5, 2
POOLS = {"max": "max_pool2d", "avg": "avg_pool2d"}


@dataclass(frozen=True, kw_only=True)
class LeNet(Architecture):
    """For images: a convolution of 5 x 5, the ``activation`` and a pooling by 2 for each of ``channels``.

    Then linear layers of the ``hidden`` widths, the ``activation`` after each, and one of ``out`` outputs. Every
    convolution keeps height and width, so that small images are not used up.
    """

    channels: list[int]
    hidden: list[int]
    activation: str
    pool: str
    out: int

    def check(self) -> None:
        check_not_empty(channels=self.channels)
        check_counts(channels=self.channels, hidden=self.hidden, out=self.out)
        check_choice("pool", self.pool, tuple(POOLS))

    def make_layers(self, input_shape: Shape) -> Nodes:
        nodes: Nodes = []
        for i, channels in enumerate(self.channels):
            convolution = {"layer": "conv2d", "out_channels": channels, "kernel_size": KERNEL, "padding": KERNEL // 2}
            nodes.append((f"channels.{i}", convolution))
            nodes.append(("activation", {"layer": self.activation}))
            nodes.append((f"channels.{i}", {"layer": POOLS[self.pool], "kernel_size": WINDOW}))
        nodes.append(("channels", {"layer": "flatten"}))
        nodes += linear_layers("hidden", self.hidden, self.activation)
        return [*nodes, ("out", {"layer": "linear", "out": self.out})]
