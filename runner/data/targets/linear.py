"""Linear functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.data.targets.base import MOST, Formula
from runner.errors import ConfigError, check_up_to


@dataclass(frozen=True, kw_only=True)
class Linear(Formula):
    """y = x w + b, w (features, out) and b (out,); what is None is drawn, standard normal, w before b."""

    out: int
    weights: list[Any] | None
    bias: list[float] | None

    def check(self) -> None:
        super().check()
        check_up_to(MOST, out=self.out)
        wrong = [row for row in self.weights or [] if not self._is_row(row)]
        if wrong or self.weights == []:
            got = wrong[0] if wrong else self.weights
            raise ConfigError("weights", got, f"a list of rows, each {self.out} (target.out) finite numbers")
        if self.bias is not None and not self._is_row(self.bias):
            raise ConfigError("bias", self.bias, f"a list of {self.out} (target.out) finite numbers")

    def _is_row(self, row: Any) -> bool:
        """One finite number for each output."""
        return (
            isinstance(row, list) and len(row) == self.out and all(type(v) in (int, float) and isfinite(v) for v in row)
        )

    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        if self.weights is not None and len(self.weights) != features:
            raise ConfigError("weights", f"{len(self.weights)} rows", f"a row for each of {features} features")
        w = rng.standard_normal((features, self.out)) if self.weights is None else np.array(self.weights, np.float64)
        b = rng.standard_normal(self.out) if self.bias is None else np.array(self.bias, np.float64)
        return lambda x: np.asarray(x @ w + b)
