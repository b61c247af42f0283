"""What losses of two classes share: targets from 0 to 1, and the side of the boundary as the class."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.losses.reduction import Reduced


@dataclass(frozen=True, kw_only=True)
class Binary(Reduced):
    """Each output tells of two classes, whose targets are 0 and 1 or a probability."""

    boundary: ClassVar[float]
    """A prediction above it names class 1."""

    meaning: ClassVar[str]
    """What of an output is the probability of class 1, in words."""

    @abstractmethod
    def probability(self, prediction: Array) -> Array:
        """Of class 1, of the prediction's shape."""

    def named(self, prediction: Array) -> Array:
        """The class that each output names, 0 or 1, of the prediction's shape."""
        return np.greater(prediction, self.boundary).astype(np.intp)

    def fits(self, output_shape: Shape, y: Array) -> None:
        super().fits(output_shape, y)
        refuse_outside(y, 1.0, "numbers from 0 to 1, or the classes 0 and 1")

    def targets(self, y: Array) -> Array:
        """Two classes, 0 and 1, are one output (samples, 1), as y.float().unsqueeze(1) makes them in torch."""
        return y[:, np.newaxis].astype(np.float64) if y.ndim == 1 else y

    def hits(self, prediction: Array, y: Array) -> Array:
        return np.equal(self.named(prediction), np.greater(y, 0.5))


def refuse_outside(y: Array, high: float, allowed: str) -> None:
    """Raises ConfigError where a target is not from 0 to ``high``."""
    outside = np.argwhere(~((y >= 0) & (y <= high)))
    if len(outside):
        raise ConfigError("target", f"{y[tuple(outside[0])]:g} in sample {outside[0][0]}", allowed)
