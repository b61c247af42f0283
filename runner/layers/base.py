"""What a layer is: numbers that describe it, a NumPy pass, and a PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from runner.arrays import Array, Shape

if TYPE_CHECKING:
    import torch

Law = Callable[[np.random.Generator, Shape], Array]
"""Draws float64 values of a shape."""


def uniform(bound: float) -> Law:
    """Uniform in +-bound."""
    return lambda rng, shape: rng.uniform(-bound, bound, shape)


def normal(deviation: float) -> Law:
    """Normal around 0."""
    return lambda rng, shape: rng.normal(0.0, deviation, shape)


def constant(value: float) -> Law:
    """The same value everywhere."""
    return lambda _, shape: np.full(shape, value)


@dataclass(frozen=True)
class Parameter:
    """A parameter's shape, in torch's layout, and the number of inputs that reach one output of its layer.

    ``law`` is what torch's layer draws it from; None stands for U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
    """

    shape: Shape
    fan_in: int
    law: Law | None = None

    def draw(self, rng: np.random.Generator) -> Array:
        """Values by torch's default law, from the generator ``rng``."""
        return (self.law or uniform(1 / sqrt(self.fan_in)))(rng, self.shape)


@dataclass(frozen=True)
class Mask:
    """Random numbers of a step that are either kept or dropped: a sample's shape, and how probably one is dropped."""

    shape: Shape
    p: float

    def draw(self, rng: np.random.Generator, batch: int) -> Array:
        """True where kept, (batch, *shape)."""
        return rng.random((batch, *self.shape)) >= self.p


@dataclass(frozen=True)
class Buffers:
    """What a NumPy pass works on, made once per batch size.

    Attributes:
        input_shape: Shape of the input, (*replicas, batch, *sample).
        parameters: Views of the flat parameter vector under their local names, (*replicas, *shape) each.
        gradients: Views of the flat gradient vector under the same names.
        empty: Makes an uninitialised array of a shape, of the pass's dtype and kind.
        input_gradient: Whether the gradient of the input is wanted (the first layer's is not).
        replicas: The leading axes of ``input_shape``.
        training: False in evaluation mode.
        state: What the layer carries from step to step (``Layer.buffers``), to be written in place.
        masks: The step's masks (``Layer.masks``), bool, (*replicas, batch, *shape); filled before each forward.
    """

    input_shape: Shape
    parameters: Mapping[str, Array]
    gradients: Mapping[str, Array]
    empty: Callable[[Shape], Array]
    input_gradient: bool
    replicas: Shape = ()
    training: bool = True
    state: Mapping[str, Array] = field(default_factory=dict)
    masks: Mapping[str, Array] = field(default_factory=dict)

    @property
    def lead(self) -> Shape:
        """(*replicas, batch)."""
        return self.input_shape[: len(self.replicas) + 1]

    @property
    def batch(self) -> int:
        """The number of samples."""
        return self.input_shape[len(self.replicas)]

    @property
    def sample(self) -> Shape:
        """Shape of one sample."""
        return self.input_shape[len(self.replicas) + 1 :]


class Pass(Protocol):
    """Forward and backward of one layer over buffers of its own; results live until the next call.

    All arrays that go in and come out are contiguous.
    """

    def forward(self, x: Array) -> Array:
        """The output for the input ``x`` (*replicas, batch, *sample)."""
        ...

    def backward(self, delta: Array) -> Array:
        """Writes the parameters' gradients; returns the gradient of the input.

        ``delta`` is the gradient of the loss with respect to the output, of the output's shape.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """A layer's configuration. ``name`` replaces the name that the rule in ``placing.py`` gives."""

    name: str | None

    derived: ClassVar[bool] = True
    """Whether it has a hand-derived pass and a twin in PyTorch."""

    takes_indices: ClassVar[bool] = False
    """Whether its input are whole numbers: it can only be the first."""

    in_narrow: ClassVar[bool] = False
    """Whether its pass works on arrays of 16 bits itself; if not, it works in float32 and its results are rounded."""

    @property
    def joined(self) -> bool:
        """Whether its weight (out, in) and its bias may lie in one block (out, in + 1), the bias as the last column.

        Its pass then finds both as the one parameter ``block``.
        """
        return False

    nested: ClassVar[tuple[str, ...]] = ()
    """The fields that are lists of layers."""

    def check(self) -> None:  # noqa: B027  (most layers have nothing to check)
        """Raises ConfigError, its key relative to the layer, where a value is out of range."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one sample's output; raises ValueError, in words, where ``input_shape`` does not fit."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """The layer's parameters under their local names, as in torch's state_dict."""
        return {}

    def buffers(self, input_shape: Shape) -> dict[str, Array]:
        """What it carries from step to step besides parameters, as it begins: torch's buffers, by their names."""
        return {}

    def masks(self, input_shape: Shape) -> dict[str, Mask]:
        """The random numbers that a training step needs, under local names."""
        return {}

    def fewest(self, input_shape: Shape) -> int:
        """The fewest samples that a batch may have in training."""
        return 1

    def check_input(self, x: Array) -> None:  # noqa: B027
        """Raises ValueError, in words, where values of the whole numbers ``x`` are out of range."""

    @abstractmethod
    def scratch(self, buffers: Buffers) -> Pass:
        """The hand-derived pass over ``buffers``."""

    @abstractmethod
    def torch(self, input_shape: Shape) -> torch.nn.Module:
        """The same layer in PyTorch.

        A layer with masks finds them, before each training step, in its module's attribute ``mask``, a bool tensor
        (or, under a local name of its own, in the attribute of that name).
        """

    @abstractmethod
    def describe(self, input_shape: Shape) -> str:
        """The line that PyTorch prints for the twin."""
