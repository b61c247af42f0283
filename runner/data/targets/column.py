"""Columns of the data that are to be foretold from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.data.base import Parts, Samples, Target
from runner.data.store import blocks, blocks_of, by_rows
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Column(Target):
    """y (samples, columns) in float64 or, with ``classes``, (samples,): the place of the value among those that occur.

    ``name`` is a column's name, or a list of names. The classes are the distinct values in their order, numbers by
    size and text by its letters, of all samples: also of those that are held out.
    """

    name: Any
    classes: bool

    def check(self) -> None:
        super().check()
        names = self.columns()
        parts = self.name if isinstance(self.name, list) else [self.name]
        known = all(type(part) in (str, int) and part != "" for part in parts)
        if not known or not names or len(set(names)) < len(names):
            raise ConfigError("name", self.name, "a column's name, or a list of different names")
        if self.classes and len(names) > 1:
            raise ConfigError("name", self.name, "one column: its values are the classes")

    def columns(self) -> tuple[str, ...]:
        return tuple(str(name) for name in (self.name if isinstance(self.name, list) else [self.name]))

    def of(self, samples: Samples, rng: np.random.Generator) -> Array:
        if self.classes:
            return self._indices(samples, self._distinct([samples]))
        found = [samples.columns[name] for name in self.columns()]
        for name, column in zip(self.columns(), found, strict=True):
            if column.dtype.kind == "U":
                raise ConfigError("classes", "false", f"true: column {name!r} holds text")
        parts = blocks(len(found[0]), len(found) * found[0].itemsize)
        return by_rows(lambda part: np.stack([column[part] for column in found], axis=1), parts)

    def make(self, parts: Parts, seed: int) -> tuple[Array, Array | None]:
        train, held_out = super().make(parts, seed)
        if self.classes and parts.held_out is not None:
            distinct = self._distinct([parts.train, parts.held_out])
            return self._indices(parts.train, distinct), self._indices(parts.held_out, distinct)
        return train, held_out

    def _distinct(self, parts: list[Samples]) -> Array:
        columns = [samples.columns[self.columns()[0]] for samples in parts]
        found = columns[0][:0]
        for column in columns:
            for part in blocks_of(column):
                found = np.union1d(found, column[part])
        return found

    def _indices(self, samples: Samples, distinct: Array) -> Array:
        column = samples.columns[self.columns()[0]]
        return by_rows(lambda part: np.searchsorted(distinct, column[part]), blocks_of(column))
