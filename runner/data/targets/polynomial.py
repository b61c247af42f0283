"""Polynomials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.targets.base import MOST, Formula
from runner.errors import check_up_to


@dataclass(frozen=True, kw_only=True)
class Polynomial(Formula):
    """y = c_0 + sum over features i and powers k from 1 to ``degree`` of c_ki x_i^k, one output.

    c is drawn, standard normal: (degree, features), then c_0.
    """

    degree: int

    def check(self) -> None:
        super().check()
        check_up_to(MOST, degree=self.degree)

    def formula(self, features: int, rng: np.random.Generator) -> Callable[[Array], Array]:
        c, c_0 = rng.standard_normal((self.degree, features)), rng.standard_normal()
        return lambda x: _horner(c, c_0, x)


def _horner(c: Array, c_0: float, x: Array) -> Array:
    powers = np.zeros_like(x)
    for row in c[::-1]:
        powers = (powers + row) * x
    return np.asarray(powers.sum(axis=1, keepdims=True) + c_0)
