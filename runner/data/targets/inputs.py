"""Targets of an autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, is_whole
from runner.data.base import Samples, Target
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Inputs(Target):
    """y = x, of any shape."""

    def of(self, samples: Samples, rng: np.random.Generator) -> Array:
        if is_whole(samples.x):
            raise ConfigError("", f"tokens of shape {samples.x.shape[1:]}", "for this target, inputs that are numbers")
        return samples.x
