"""Features that are 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Bernoulli(Independent):
    """Every feature 1 with probability ``p``, else 0, independently."""

    p: float

    def check(self) -> None:
        super().check()
        if not 0 <= self.p <= 1:
            raise ConfigError("p", self.p, "a probability, from 0 to 1")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return (rng.random(shape) < self.p).astype(np.float64)
