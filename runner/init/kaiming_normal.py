"""He's law, normal (torch.nn.init.kaiming_normal_)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.init.kaiming import Kaiming


@dataclass(frozen=True, kw_only=True)
class KaimingNormal(Kaiming):
    """Normal around 0 with the standard deviation gain / sqrt(fan)."""

    def law(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.deviation(shape) * rng.standard_normal(shape)
