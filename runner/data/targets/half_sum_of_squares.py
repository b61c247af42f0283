"""Half the sum of squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.targets.base import Formula


@dataclass(frozen=True, kw_only=True)
class HalfSumOfSquares(Formula):
    """y = (x_1^2 + x_2^2 + ...) / 2, one output."""

    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        return lambda x: np.asarray(0.5 * np.square(x).sum(axis=1, keepdims=True))
