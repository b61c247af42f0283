"""Laplace features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent


@dataclass(frozen=True, kw_only=True)
class Laplace(Independent):
    """Every feature of density exp(-|x - loc| / scale) / (2 scale), independently (numpy.random.Generator.laplace)."""

    loc: float
    scale: float

    def check(self) -> None:
        super().check()
        self.finite("loc")
        self.positive("scale")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.laplace(self.loc, self.scale, shape)
