"""Beta features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent


@dataclass(frozen=True, kw_only=True)
class Beta(Independent):
    """Every feature in [0, 1] of density x^(a - 1) (1 - x)^(b - 1) / B(a, b), independently (Generator.beta)."""

    a: float
    b: float

    def check(self) -> None:
        super().check()
        self.positive("a", "b")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.beta(self.a, self.b, shape)
