"""Glorot and Bengio's law, normal (torch.nn.init.xavier_normal_)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, Shape
from runner.init.xavier import Xavier


@dataclass(frozen=True, kw_only=True)
class XavierNormal(Xavier):
    """Normal around 0 with the standard deviation gain sqrt(2 / (fan_in + fan_out))."""

    def law(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.deviation(shape) * rng.standard_normal(shape)
