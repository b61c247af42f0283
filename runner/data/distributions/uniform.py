"""Uniform features."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Uniform(Independent):
    """Every feature uniform in [low, high), independently (numpy.random.Generator.uniform)."""

    low: float
    high: float

    def check(self) -> None:
        super().check()
        self.finite("low", "high")
        if self.low >= self.high:
            raise ConfigError("low", self.low, f"a number below data.high, which is {self.high}")
        if not isfinite(self.high - self.low):
            raise ConfigError("high", self.high, f"a number whose distance from data.low ({self.low}) is finite")

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        return rng.uniform(self.low, self.high, shape)
