"""torch's default law for Linear: kaiming_uniform with a = sqrt(5), which is U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from runner.arrays import Array
from runner.init.base import Init
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class TorchDefault(Init):
    """Weights and biases alike (torch.nn.Linear.reset_parameters), drawn by the project's own generator."""

    def draw(self, network: Network, rng: np.random.Generator) -> dict[str, Array]:
        return {
            name: rng.uniform(-1 / sqrt(p.fan_in), 1 / sqrt(p.fan_in), p.shape)
            for name, p in network.parameters.items()
        }
