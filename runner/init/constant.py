"""One value everywhere (torch.nn.init.constant_)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from runner.arrays import Array
from runner.errors import ConfigError
from runner.init.base import Init
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Constant(Init):
    """Every parameter, biases and a normalisation's weights among them, is ``value``."""

    value: float

    def check(self) -> None:
        if not isfinite(self.value):
            raise ConfigError("value", self.value, "a finite number")

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        return {name: np.full(p.shape, self.value) for name, p in network.parameters.items()}
