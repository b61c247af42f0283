"""Targets: what y is for a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.base import Samples, Target
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class HalfSumOfSquares(Target):
    """y = (x_1^2 + x_2^2 + ...) / 2, one output."""

    def of(self, samples: Samples) -> Array:
        return np.asarray(0.5 * np.square(samples.x).sum(axis=1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class Given(Target):
    """y is what the data brings with it."""

    def of(self, samples: Samples) -> Array:
        if samples.y is None:
            raise ConfigError("", "given", "a target that is computed from x: this data brings no y with it")
        return samples.y
