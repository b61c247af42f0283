"""He's law, uniform (torch.nn.init.kaiming_uniform_)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from runner.arrays import Array, Shape
from runner.init.kaiming import Kaiming
from runner.init.weights import uniform


@dataclass(frozen=True, kw_only=True)
class KaimingUniform(Kaiming):
    """U(-b, b), b = gain sqrt(3 / fan)."""

    def law(self, shape: Shape, rng: np.random.Generator) -> Array:
        return uniform(rng, sqrt(3) * self.deviation(shape), shape)
