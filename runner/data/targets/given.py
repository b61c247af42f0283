"""Targets that the data brings with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.base import Samples, Target
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Given(Target):
    """y is what the data brings with it."""

    def of(self, samples: Samples, rng: np.random.Generator) -> Array:
        if samples.y is None:
            raise ConfigError("", "given", "a target that is computed from x: this data brings no y with it")
        return samples.y
