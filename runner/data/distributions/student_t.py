"""Student's t features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent


@dataclass(frozen=True, kw_only=True)
class StudentT(Independent):
    """Every feature of Student's t with ``df`` degrees of freedom, independently (Generator.standard_t)."""

    df: float

    def check(self) -> None:
        super().check()
        self.positive("df")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.standard_t(self.df, shape)
