"""What all files of samples have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.arrays import is_whole
from runner.data.base import Data, Parts
from runner.data.columns import find_columns
from runner.data.files.gather import Reader
from runner.data.files.table import Table, existing
from runner.data.split import split
from runner.data.standardise import adjust
from runner.errors import ConfigError, choices
from runner.paths import resolve_path

MISSING = ("refuse", "drop", "mean")


@dataclass(frozen=True, kw_only=True)
class TableFile(Data):
    """x (samples, *sample), float64: the columns ``features`` of the file ``path``, or all but the target's for None.

    ``missing`` says what becomes of empty cells and NaN: they are refused, their rows are dropped, or they are filled
    with the mean of their column (of a feature; those of a target are refused). With ``standardise``, every feature
    loses its mean and is divided by its standard deviation, unless it is constant. Mean and deviation are those of the
    samples that are learnt from.
    """

    path: str
    features: list[str] | None
    standardise: bool
    missing: str

    def check(self) -> None:
        super().check()
        if self.missing not in MISSING:
            raise ConfigError("missing", repr(self.missing), choices(MISSING, self.missing))
        if self.features is not None and (not self.features or len(set(self.features)) < len(self.features)):
            raise ConfigError("features", self.features, "a list of different names, at least one, or null")

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        try:
            table = self.open(existing(self.path, resolve_path(self.path)))
            features = self._features(table, columns)
            samples = Reader(table, self.path, self.missing).read(features, columns)
        except OSError as error:
            raise ConfigError(
                "path", f"{self.path!r} ({error.strerror or error})", "a file that can be read"
            ) from error
        parts = split(samples, self.held_out, seed)
        if not is_whole(parts.train.x):  # tokens
            adjust(parts, features, fill=self.missing == "mean", scale=self.standardise)
        return parts

    @abstractmethod
    def open(self, path: Path) -> Table:
        """The file, its columns' names read.

        Raises:
            ConfigError: It is no such file; the key is ``path``.
        """

    def _features(self, table: Table, columns: Sequence[str]) -> list[str]:
        find_columns(table.names, columns)
        if self.features is None:
            found = [name for name in table.inputs if name not in columns]
            if "" in found:
                place = table.names.index("") + 1
                raise ConfigError("path", f"{self.path!r}, whose column {place} has no name", "a name over each column")
            if not found:
                raise ConfigError("path", f"{self.path!r}, with no column but the target's", "a column more, as input")
            return found
        find_columns(table.names, self.features, "features")
        both = next((name for name in self.features if name in columns), None)
        if both is not None:
            raise ConfigError("features", f"{both!r}, which is the target's", "columns that the target does not name")
        return self.features
