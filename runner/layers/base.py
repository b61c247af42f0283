"""What a layer is: numbers that describe it, a NumPy pass, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from runner.arrays import Array, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Parameter:
    """A parameter's shape, in torch's layout, and the number of inputs that reach one output of its layer."""

    shape: Shape
    fan_in: int


@dataclass(frozen=True)
class Buffers:
    """What a NumPy pass works on, made once per batch size.

    Attributes:
        input_shape: Shape of the input, (..., batch, features); the axes before batch are replicas.
        parameters: Views of the flat parameter vector under their local names.
        gradients: Views of the flat gradient vector under the same names.
        empty: Makes an uninitialised array of a shape, of the pass's dtype and kind.
        input_gradient: Whether the gradient of the input is wanted (the first layer's is not).
    """

    input_shape: Shape
    parameters: Mapping[str, Array]
    gradients: Mapping[str, Array]
    empty: Callable[[Shape], Array]
    input_gradient: bool


class Pass(Protocol):
    """Forward and backward of one layer over buffers of its own; results live until the next call."""

    def forward(self, x: Array) -> Array:
        """The output for the input ``x`` (..., batch, features)."""
        ...

    def backward(self, delta: Array) -> Array:
        """Writes the parameters' gradients; returns the gradient of the input.

        ``delta`` is the gradient of the loss with respect to the output, of the output's shape.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """A layer's configuration. ``name`` replaces the name that the rule in ``network.py`` gives."""

    name: str | None

    derived: ClassVar[bool] = True
    """Whether it has a hand-derived pass and a twin in PyTorch."""

    def check(self) -> None:  # noqa: B027  (most layers have nothing to check)
        """Raises ConfigError, its key relative to the layer, where a value is out of range."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one sample's output; raises ValueError, in words, where ``input_shape`` does not fit."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """The layer's parameters under their local names, as in torch's state_dict."""
        return {}

    @abstractmethod
    def scratch(self, buffers: Buffers) -> Pass:
        """The hand-derived pass over ``buffers``."""

    @abstractmethod
    def torch(self, input_shape: Shape) -> torch.nn.Module:
        """The same layer in PyTorch."""

    @abstractmethod
    def describe(self, input_shape: Shape) -> str:
        """The line that PyTorch prints for the twin."""
