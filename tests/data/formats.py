"""The same columns in every format of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from runner.arrays import Array

Columns = Mapping[str, Any]


def csv(columns: Columns, path: Path) -> None:
    pd.DataFrame(columns).to_csv(path, index=False)


def parquet(columns: Columns, path: Path) -> None:
    pd.DataFrame(columns).to_parquet(path)


def npz(columns: Columns, path: Path) -> None:
    np.savez(path, allow_pickle=False, **{name: _array(column) for name, column in columns.items()})


def npy(columns: Columns, path: Path) -> None:
    np.save(path, np.column_stack([_array(column) for column in columns.values()]))


def _array(column: Any) -> Array:
    return np.asarray(["" if value is None else value for value in column] if None in list(column) else column)


WRITERS: dict[str, Callable[[Columns, Path], None]] = {"csv": csv, "parquet": parquet, "npz": npz, "npy": npy}
NAMED = ["csv", "parquet", "npz"]
"""The formats whose columns have names and may be text."""


def stored(kind: str, columns: Columns, folder: Path) -> str:
    """The path of a new file; in npy the columns are called by their numbers."""
    path = folder / f"columns.{kind}"
    WRITERS[kind](columns, path)
    return str(path)
