"""Samples written into the configuration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.base import Data, Samples
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Inline(Data):
    """x, a list of samples, each a list of features; y, a list of as many targets, or null."""

    x: list[list[float]]
    y: list[list[float]] | None

    def check(self) -> None:
        _table("x", self.x)
        if self.y is not None and len(_table("y", self.y)) != len(self.x):
            raise ConfigError("y", f"{len(self.y)} rows", f"as many rows as data.x has, {len(self.x)}")

    def draw(self, rng: np.random.Generator) -> Samples:
        return Samples(_table("x", self.x), None if self.y is None else _table("y", self.y))


def _table(key: str, rows: list[list[float]]) -> Array:
    widths = sorted({len(row) for row in rows})
    if len(widths) != 1 or widths[0] == 0:
        raise ConfigError(
            key, f"rows of {widths} numbers", "at least one row, and as many numbers in each, at least one"
        )
    table = np.array(rows, dtype=np.float64)
    if not np.isfinite(table).all():
        raise ConfigError(key, table[~np.isfinite(table)][0], "finite numbers")
    return table
