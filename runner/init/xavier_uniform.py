"""Glorot and Bengio's law, uniform (torch.nn.init.xavier_uniform_)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from runner.arrays import Array, Shape
from runner.init.weights import uniform
from runner.init.xavier import Xavier


@dataclass(frozen=True, kw_only=True)
class XavierUniform(Xavier):
    """U(-b, b), b = gain sqrt(6 / (fan_in + fan_out))."""

    def law(self, shape: Shape, rng: np.random.Generator) -> Array:
        return uniform(rng, sqrt(3) * self.deviation(shape), shape)
