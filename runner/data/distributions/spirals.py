"""Spirals around one centre, a class each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.data.base import Samples
from runner.data.distributions.base import Drawn


@dataclass(frozen=True, kw_only=True)
class Spirals(Drawn):
    """x (samples, 2) on one of ``arms`` spirals, plus normal noise; y (samples,): which one, in turn.

    Arm k is r (cos s, sin s) with s = 2 pi (turns r + k / arms), r uniform in [0, 1).
    """

    arms: int
    turns: float
    noise: float

    def check(self) -> None:
        super().check()
        self.from_one("arms")
        self.positive("turns")
        self.from_zero("noise")

    def drawn(self, rng: np.random.Generator) -> Samples:
        y = np.arange(self.samples) % self.arms
        r = rng.random(self.samples)
        angle = 2 * np.pi * (self.turns * r + y / self.arms)
        x = np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)
        return Samples(x + rng.normal(0.0, self.noise, x.shape), y)
