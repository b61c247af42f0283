"""A module that the project has no layers for: its parameters and shapes are known, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner.arrays import Shape
from runner.layers.base import Buffers, Layer, Parameter, Pass

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Opaque(Layer):
    """Stands for a whole network.

    Attributes:
        specified: Its parameters under their own names.
        made: Shape of one sample's output.
        printed: The line that describes it.
    """

    specified: Mapping[str, Parameter]
    made: Shape
    printed: str

    derived: ClassVar[bool] = False

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.made

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return dict(self.specified)

    def scratch(self, buffers: Buffers) -> Pass:
        raise NotImplementedError("a module that the project has no layers for")

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        raise NotImplementedError("a module that the project has no layers for")

    def describe(self, input_shape: Shape) -> str:
        return self.printed
