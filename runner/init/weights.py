"""What the laws for weights have in common: which parameters they draw, and their numbers of inputs and outputs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from runner.arrays import Array, Shape
from runner.data.base import Stream, generator
from runner.errors import ConfigError
from runner.init.base import Init
from runner.layers.base import Parameter
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Weights(Init):
    """Parameters of two or more axes by a law of its own, each as one matrix; biases are 0.

    Other parameters of one axis, such as the weights of a normalisation, are drawn by torch's default law.
    """

    @abstractmethod
    def law(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Float64 values for a parameter of two or more axes."""

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        rng = generator(seed, Stream.INIT)
        with np.errstate(over="ignore"):  # what is infinite is refused by name where it meets the run's dtype
            return {name: self._drawn(name, p, rng) for name, p in network.parameters.items()}

    def _drawn(self, name: str, parameter: Parameter, rng: np.random.Generator) -> Array:
        if len(parameter.shape) > 1:
            return self.law(parameter.shape, rng)
        is_bias = "bias" in name.rpartition(".")[2]
        return np.zeros(parameter.shape) if is_bias else parameter.draw(rng)


def fans(shape: Shape) -> tuple[int, int]:
    """fan_in and fan_out of a parameter (out, in, *kernel), as in torch.nn.init._calculate_fan_in_and_fan_out."""
    points = prod(shape[2:])
    return shape[1] * points, shape[0] * points


def uniform(rng: np.random.Generator, bound: float, shape: Shape) -> Array:
    """U(-bound, bound), whose width may be beyond all floats."""
    return bound * rng.uniform(-1.0, 1.0, shape)


def check_gain(gain: float) -> None:
    """Raises ConfigError where ``gain`` is no finite number from 0."""
    if not (isfinite(gain) and gain >= 0):
        raise ConfigError("gain", gain, "a finite number from 0")
