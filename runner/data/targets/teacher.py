"""A network that is fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from runner.arrays import Array
from runner.data.targets.base import MOST, Formula
from runner.errors import check_up_to


@dataclass(frozen=True, kw_only=True)
class Teacher(Formula):
    """y = tanh(x W_1 + b_1) W_2 + b_2, ``hidden`` units and ``out`` outputs.

    W_1, b_1, W_2, b_2 are drawn in this order, normal around 0; a weight has the variance 1 / inputs, a bias 1.
    """

    hidden: int
    out: int

    def check(self) -> None:
        super().check()
        check_up_to(MOST, hidden=self.hidden, out=self.out)

    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        w_1 = rng.normal(0.0, 1 / sqrt(features), (features, self.hidden))
        b_1 = rng.standard_normal(self.hidden)
        w_2 = rng.normal(0.0, 1 / sqrt(self.hidden), (self.hidden, self.out))
        b_2 = rng.standard_normal(self.out)
        return lambda x: np.asarray(np.tanh(x @ w_1 + b_1) @ w_2 + b_2)
