"""Samples written into the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """x, a list of samples, each a list of features, or lists in it; y, a list of as many targets, or null.

    With ``tokens``, x are whole numbers. A target is a list of numbers, or all of them are whole numbers, the classes.
    """

    x: list[Any]
    y: list[Any] | None
    tokens: bool

    def check(self) -> None:
        super().check()
        inputs = _table("x", self.x)
        if self.tokens:
            _refuse_no_tokens(self.x)
        if self.y is not None and len(_targets(self.y)) != len(inputs):
            raise ConfigError("y", f"{len(self.y)} rows", f"as many rows as data.x has, {len(self.x)}")

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        refuse_columns(columns)
        x = _table("x", self.x)
        x = x.astype(np.int64) if self.tokens else x
        return split(Samples(x, None if self.y is None else _targets(self.y)), self.held_out, seed)


def _targets(rows: list[Any]) -> Array:
    if not rows or any(isinstance(row, list) for row in rows):
        return _table("y", rows)
    for i, row in enumerate(rows):
        if not (type(row) is int and abs(row) < 2**63):  # a loss may ignore one below 0
            allowed = "a list of class indices, whole numbers, or of samples, each a list of numbers"
            raise ConfigError("y", f"{row} in sample {i}", allowed)
    return np.array(rows, dtype=np.int64)


def _refuse_no_tokens(rows: list[Any]) -> None:
    for i, row in enumerate(rows):
        wrong = next((value for value in _flat(row) if not (type(value) is int and 0 <= value < 2**63)), None)
        if wrong is not None:
            raise ConfigError("x", f"{wrong} in sample {i}", "whole numbers from 0, as data.tokens is true")


def _flat(value: object) -> Iterator[object]:
    """What nested lists hold."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _table(key: str, rows: list[Any]) -> Array:
    for i, row in enumerate(rows):
        if not isinstance(row, list) or not _is_numbers(row):
            raise ConfigError(key, f"{row} in sample {i}", "a list of samples, each a list of numbers")
    shapes = sorted({_shape(row) for row in rows}, key=str)
    if len(shapes) != 1 or shapes[0] is None or 0 in shapes[0]:
        widths = sorted({len(row) for row in rows})
        allowed = "at least one row, and as many numbers in each, at least one"
        raise ConfigError(key, f"rows of {widths} numbers", allowed)
    table = np.array(rows, dtype=np.float64)
    if not np.isfinite(table).all():
        raise ConfigError(key, table[~np.isfinite(table)][0], "finite numbers")
    return table


def _is_numbers(value: object) -> bool:
    return all(map(_is_numbers, value)) if isinstance(value, list) else type(value) in (int, float)


def _shape(value: object) -> tuple[int, ...] | None:
    """The shape of nested lists; None where they are ragged."""
    if not isinstance(value, list):
        return ()
    shapes = {_shape(item) for item in value}
    inner = shapes.pop() if len(shapes) == 1 else () if not shapes else None
    return None if inner is None else (len(value), *inner)
