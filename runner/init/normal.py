"""Normal numbers everywhere (torch.nn.init.normal_)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from runner.arrays import Array
from runner.data.base import Stream, generator
from runner.errors import ConfigError
from runner.init.base import Init
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Normal(Init):
    """Every parameter, biases and a normalisation's weights too, is normal: ``mean``, standard deviation ``std``."""

    mean: float
    std: float

    def check(self) -> None:
        if not isfinite(self.mean):
            raise ConfigError("mean", self.mean, "a finite number")
        if not (isfinite(self.std) and self.std >= 0):
            raise ConfigError("std", self.std, "a finite number from 0")

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        rng = generator(seed, Stream.INIT)
        with np.errstate(over="ignore"):  # what is infinite is refused by name where it meets the run's dtype
            return {name: self.mean + self.std * rng.standard_normal(p.shape) for name, p in network.parameters.items()}
