"""Samples drawn from a distribution."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from runner.data.base import Data, Samples
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Uniform(Data):
    """Every feature uniform in [low, high), independently (numpy.random.Generator.uniform)."""

    samples: int
    features: int
    low: float
    high: float

    def check(self) -> None:
        for key in ("samples", "features"):
            if getattr(self, key) < 1:
                raise ConfigError(key, getattr(self, key), "a whole number from 1")
        for key in ("low", "high"):
            if not isfinite(getattr(self, key)):
                raise ConfigError(key, getattr(self, key), "a finite number")
        if self.low >= self.high:
            raise ConfigError("low", self.low, f"a number below data.high, which is {self.high}")
        if not isfinite(self.high - self.low):
            raise ConfigError("high", self.high, f"a number whose distance from data.low ({self.low}) is finite")

    def draw(self, rng: np.random.Generator) -> Samples:
        try:
            return Samples(rng.uniform(self.low, self.high, (self.samples, self.features)))
        except (ValueError, MemoryError) as error:
            raise ConfigError("samples", f"{self.samples} of {self.features} features", "as many as fit") from error
