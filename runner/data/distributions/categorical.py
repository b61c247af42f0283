"""Categories, one-hot."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np

from runner.arrays import Array, Shape
from runner.data.distributions.base import Independent
from runner.errors import ConfigError

SUM_TO = 1e-5
"""How far from 1 probabilities may sum, as they are written in decimals."""


@dataclass(frozen=True, kw_only=True)
class Categorical(Independent):
    """Every feature one of ``categories``, independently, written as so many numbers: 1 at its place, 0 elsewhere.

    x is (samples, features * categories). ``probabilities`` has one number a category; None stands for equal ones.
    """

    categories: int
    probabilities: list[float] | None

    def check(self) -> None:
        super().check()
        self.from_one("categories")
        given = self.probabilities
        if given is not None and not (
            len(given) == self.categories and all(p >= 0 for p in given) and abs(fsum(given) - 1) <= SUM_TO
        ):
            raise ConfigError("probabilities", given, f"{self.categories} numbers from 0 that sum to 1, or null")

    def numbers(self) -> int:
        return self.samples * self.features * self.categories

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        equal = np.full(self.categories, 1.0)
        weights = equal if self.probabilities is None else np.array(self.probabilities)
        drawn = rng.choice(self.categories, shape, p=weights / weights.sum())
        x = np.zeros((*shape, self.categories))
        np.put_along_axis(x, drawn[..., np.newaxis], 1.0, axis=-1)
        return x.reshape(shape[0], -1)
