"""Exclusive or."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.targets.base import Formula


@dataclass(frozen=True, kw_only=True)
class Xor(Formula):
    """y = 1 where an odd number of the features is above 0, else 0; one output."""

    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        return lambda x: np.asarray(((x > 0).sum(axis=1, keepdims=True) % 2).astype(np.float64))
