"""0 everywhere (torch.nn.init.zeros_)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.init.base import Init
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Zeros(Init):
    """Every parameter, biases and a normalisation's weights among them, is 0."""

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        return {name: np.zeros(p.shape) for name, p in network.parameters.items()}
