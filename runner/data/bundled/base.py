"""What the bundled data sets have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.data.base import Data, Parts, Samples
from runner.data.columns import TargetsColumnError, find_columns
from runner.data.split import split
from runner.data.standardise import adjust


@dataclass(frozen=True, kw_only=True)
class Bundled(Data):
    """x (samples, features), float64, less the columns of a target; y is the class index (samples,).

    With ``standardise``, every feature loses its mean and is divided by its standard deviation, both of the samples
    that are learnt from.
    """

    standardise: bool

    @abstractmethod
    def bunch(self) -> Any:
        """What scikit-learn's function gives."""

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        bunch = self.bunch()
        names = [plain_name(str(name)) for name in bunch.feature_names]
        parts = split(chosen(bunch.data, names, columns, self.targets(bunch)), self.held_out, seed)
        adjust(parts, [name for name in names if name not in columns], fill=False, scale=self.standardise)
        return parts

    def targets(self, bunch: Any) -> Array:
        """y of all samples."""
        return np.asarray(bunch.target, np.int64)


def plain_name(name: str) -> str:
    """scikit-learn's name of a feature as one that needs no quotes: petal_length for petal length (cm)."""
    return name.partition(" (")[0].replace(" ", "_")


def chosen(x: Array, names: Sequence[str], columns: Sequence[str], y: Array) -> Samples:
    """Those of ``names`` that are not in ``columns`` are the inputs.

    Raises:
        ConfigError: A column is not there, or none is left.
    """
    find_columns(names, columns)
    kept = [i for i, name in enumerate(names) if name not in columns]
    if not kept:
        raise TargetsColumnError("", "every column", "columns that leave one as input")
    named = {name: np.array(x[:, names.index(name)], np.float64) for name in columns}
    return Samples(np.ascontiguousarray(x[:, kept], np.float64), y, named)
