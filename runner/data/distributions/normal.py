"""Normal features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent


@dataclass(frozen=True, kw_only=True)
class Normal(Independent):
    """Every feature normal, independently (numpy.random.Generator.normal)."""

    mean: float
    std: float

    def check(self) -> None:
        super().check()
        self.finite("mean")
        self.positive("std")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.normal(self.mean, self.std, shape)
