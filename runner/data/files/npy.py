"""A single array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.data.files.arrays import ArrayFile
from runner.data.files.numpy import ArrayTable, mapped
from runner.data.files.table import Table
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Npy(ArrayFile):
    """A file of numpy.save: an array (samples, columns) of numbers, its columns called 0, 1, 2, ..."""

    def open(self, path: Path) -> Table:
        with path.open("rb") as file:
            array = mapped(file, path.stat().st_size, repr(self.path))
        if array.ndim != 2 or not array.shape[1] or array.dtype.kind == "U":
            got = f"{self.path!r}, an array of {array.dtype} of shape {array.shape}"
            raise ConfigError("path", got, "numbers of shape (samples, columns)")
        return ArrayTable(array, {}, tokens=self.tokens)
