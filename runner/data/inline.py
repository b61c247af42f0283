"""Samples written into the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.data.base import Data, Parts, Samples
from runner.data.columns import refuse_columns
from runner.data.split import split
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Inline(Data):
    """x, a list of samples, each a list of features; y, a list of as many targets, or null.

    A target is a list of numbers, or all of them are whole numbers, the classes.
    """

    x: list[Any]
    y: list[Any] | None

    def check(self) -> None:
        super().check()
        _table("x", self.x)
        if self.y is not None and len(_targets(self.y)) != len(self.x):
            raise ConfigError("y", f"{len(self.y)} rows", f"as many rows as data.x has, {len(self.x)}")

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        refuse_columns(columns)
        samples = Samples(_table("x", self.x), None if self.y is None else _targets(self.y))
        return split(samples, self.held_out, seed)


def _targets(rows: list[Any]) -> Array:
    if rows and all(type(row) is int and 0 <= row < 2**63 for row in rows):
        return np.array(rows, dtype=np.int64)
    return _table("y", rows)


def _table(key: str, rows: list[Any]) -> Array:
    for row in rows:
        if not isinstance(row, list) or not all(type(value) in (int, float) for value in row):
            raise ConfigError(key, row, "a list of samples, each a list of numbers")
    widths = sorted({len(row) for row in rows})
    if len(widths) != 1 or widths[0] == 0:
        raise ConfigError(
            key, f"rows of {widths} numbers", "at least one row, and as many numbers in each, at least one"
        )
    table = np.array(rows, dtype=np.float64)
    if not np.isfinite(table).all():
        raise ConfigError(key, table[~np.isfinite(table)][0], "finite numbers")
    return table
