"""Normal clouds, a class each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.data.base import Samples
from runner.data.distributions.base import Drawn


@dataclass(frozen=True, kw_only=True)
class GaussianMixture(Drawn):
    """x (samples, features), normal around the centre of one of ``components`` with ``std``; y (samples,): which one.

    The centres are drawn first, normal around 0 with the standard deviation ``spread``; all are equally probable.
    """

    features: int
    components: int
    spread: float
    std: float

    def check(self) -> None:
        super().check()
        self.from_one("features", "components")
        self.from_zero("spread")
        self.positive("std")

    def extent(self) -> str:
        return f"of {self.features} features"

    def numbers(self) -> int:
        return max(self.samples, self.components) * self.features

    def drawn(self, rng: np.random.Generator) -> Samples:
        centres = rng.normal(0.0, self.spread, (self.components, self.features))
        y = rng.integers(self.components, size=self.samples)
        return Samples(centres[y] + rng.normal(0.0, self.std, (self.samples, self.features)), y)
