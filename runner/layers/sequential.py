"""Sequential: a list of layers as one (torch.nn.Sequential)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Mask, Parameter
from runner.layers.nested import Chain, placed
from runner.layers.placing import Places

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Sequential(Layer):
    """``layers``: the list; its names stand after this layer's own, joined by a dot."""

    layers: list[Any]

    nested: ClassVar[tuple[str, ...]] = ("layers",)

    def check(self) -> None:
        if not self.layers:
            raise ConfigError("layers", "an empty list", "at least one layer")

    def inside(self, input_shape: Shape) -> Places:
        """The layers in their places."""
        return placed("layers", self.layers, input_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.inside(input_shape).output_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return self.inside(input_shape).parameters

    def buffers(self, input_shape: Shape) -> dict[str, Array]:
        return self.inside(input_shape).buffers

    def masks(self, input_shape: Shape) -> dict[str, Mask]:
        return self.inside(input_shape).masks

    def fewest(self, input_shape: Shape) -> int:
        return self.inside(input_shape).fewest

    def scratch(self, buffers: Buffers) -> Chain:
        return Chain(self.inside(buffers.sample), buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        return self.inside(input_shape).torch()

    def describe(self, input_shape: Shape) -> str:
        return "\n".join(["Sequential(", *self.inside(input_shape).lines(), ")"])
