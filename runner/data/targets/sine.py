"""Sines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from runner.arrays import Array
from runner.data.targets.base import Formula
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Sine(Formula):
    """y = sin(frequency x_1) + sin(frequency x_2) + ..., one output."""

    frequency: float

    def check(self) -> None:
        super().check()
        if not isfinite(self.frequency):
            raise ConfigError("frequency", self.frequency, "a finite number")

    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        return lambda x: np.asarray(np.sin(self.frequency * x).sum(axis=1, keepdims=True))
