"""Exponential features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent


@dataclass(frozen=True, kw_only=True)
class Exponential(Independent):
    """Every feature of density exp(-x / scale) / scale, independently (numpy.random.Generator.exponential)."""

    scale: float

    def check(self) -> None:
        super().check()
        self.positive("scale")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.exponential(self.scale, shape)
