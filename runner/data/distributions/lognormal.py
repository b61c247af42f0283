"""Log-normal features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent


@dataclass(frozen=True, kw_only=True)
class LogNormal(Independent):
    """Every feature exp(normal(mean, sigma)), independently (numpy.random.Generator.lognormal)."""

    mean: float
    sigma: float

    def check(self) -> None:
        super().check()
        self.finite("mean")
        self.positive("sigma")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.lognormal(self.mean, self.sigma, shape)
