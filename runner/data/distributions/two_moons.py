"""Two half circles that reach into each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.data.base import Samples
from runner.data.distributions.base import Drawn


@dataclass(frozen=True, kw_only=True)
class TwoMoons(Drawn):
    """x (samples, 2) on one of two half circles, plus normal noise; y (samples,): which one, in turn.

    Class 0 is (cos t, sin t), class 1 is (1 - cos t, 0.5 - sin t), t uniform in [0, pi), as in
    sklearn.datasets.make_moons.
    """

    noise: float

    def check(self) -> None:
        super().check()
        self.from_zero("noise")

    def drawn(self, rng: np.random.Generator) -> Samples:
        y = np.arange(self.samples) % 2
        t = rng.uniform(0.0, np.pi, self.samples)
        sign = 1.0 - 2.0 * y
        x = np.stack([y + sign * np.cos(t), 0.5 * y + sign * np.sin(t)], axis=1)
        return Samples(x + rng.normal(0.0, self.noise, x.shape), y)
