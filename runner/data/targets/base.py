"""Targets that are computed from the features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array, is_whole
from runner.data.base import Samples, Target
from runner.data.store import blocks_of, by_rows
from runner.errors import ConfigError

MOST = 10**9
"""Of what a target may have; an array that holds it can still be described, though it will hardly fit into memory."""


@dataclass(frozen=True, kw_only=True)
class Formula(Target):
    """y (samples, out) of x (samples, features), row by row."""

    def of(self, samples: Samples, rng: np.random.Generator) -> Array:
        x = samples.x
        if x.ndim != 2 or is_whole(x):
            kind = "tokens" if is_whole(x) else "inputs"
            raise ConfigError("", f"{kind} of shape {x.shape[1:]}", "for this target, numbers of shape (features,)")
        try:
            formula = self.formula(x.shape[1], rng)
            return by_rows(lambda part: formula(x[part]), blocks_of(x))
        except MemoryError as error:
            got = f"a {type(self).__name__} of more numbers than that"
            raise ConfigError("", got, "as many as fit into memory") from error

    @abstractmethod
    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        """The function from x (rows, features) to y (rows, out), float64; what it holds is drawn here."""
