"""Tables in row groups, and deviations.parquet: every measure of every tensor and step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from runner.arrays import Array, Shape
from runner.comparison.results import Comparison, Worst
from runner.records.files import part_of, publish

ROWS_AT_ONCE = 10_000

SCHEMA = pa.schema(
    [("step", pa.int64()), ("backend", pa.string()), ("reference", pa.string()), ("tensor", pa.string())]
    + [("verdict", pa.string())]
    + [(name, pa.float64()) for name in ("max_abs", "max_rel", "rms", "roundings", "sigma")]
    + [
        ("look", pa.int8()),
        ("worst_index", pa.string()),
        ("worst_value", pa.float64()),
        ("worst_reference", pa.float64()),
    ]
    + [(f"logic_{name}", pa.float64()) for name in ("max_abs", "max_rel", "rms", "roundings", "sigma")]
    + [("logic_look", pa.int8()), ("logic_worst_index", pa.string())]
    + [("logic_worst_value", pa.float64()), ("logic_worst_reference", pa.float64())]
    + [("error", pa.float64()), ("reference_error", pa.float64())]
)
"""One row a step, backend and tensor. Plain columns are in the run's dtype, ``logic_`` columns in float64; null where
a step was not judged. ``error`` and ``reference_error`` are each side's distance from its own float64 twin."""


GROUP = 100_000
"""Rows of a row group that is gathered from small tables, at least, if there are so many."""


def write_gathered(writer: Any, tables: Iterable[pa.Table]) -> None:
    """Writes tables of one schema with a writer of pyarrow, ``GROUP`` rows or more at a time."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows >= GROUP:
            writer.write_table(pa.concat_tables(waiting))
            waiting, rows = [], 0
    if waiting:
        writer.write_table(pa.concat_tables(waiting))


class RowGroups:
    """A parquet file that is written in row groups; whole once closed."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._writer = pq.ParquetWriter(part_of(path), schema)
        self._rows: list[Mapping[str, Array]] = []
        self._count = 0

    def extend(self, columns: Mapping[str, Array]) -> None:
        """Adds rows: the schema's columns, all of one length."""
        self._rows.append(columns)
        self._count += len(columns[self._schema.names[0]])
        if self._count >= ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Writes what is left and puts the file in its place."""
        self._flush()
        self._writer.close()
        publish(self._path)

    def _flush(self) -> None:
        if self._rows:
            arrays = [
                pa.array(np.concatenate([row[field.name] for row in self._rows]), field.type, from_pandas=True)
                for field in self._schema
            ]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows, self._count = [], 0


class DeviationsTable(RowGroups):
    """Every comparison's rows."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def add(self, step: int, c: Comparison) -> None:
        """Adds one comparison's rows, one a tensor."""
        columns = _columns(c)
        columns |= {"step": np.full(len(c.layout.names), step), "tensor": np.array(c.layout.names, dtype=object)}
        self.extend(columns)


def _columns(c: Comparison) -> dict[str, Array]:
    n = len(c.layout.names)
    nothing, judged = np.full(n, np.nan), c.logic is not None
    out: dict[str, Any] = {
        "backend": np.full(n, c.backend, dtype=object),
        "reference": np.full(n, c.reference, dtype=object),
        "verdict": np.full(n, c.verdict, dtype=object),
        "error": nothing if c.error is None else c.error,
        "reference_error": nothing if c.reference_error is None else c.reference_error,
    }
    shapes = c.layout.shapes
    out |= _measures("", c.deviation, c.precision, c.precision_look, shapes)
    if judged:
        out |= _measures("logic_", c.logic_deviation, c.logic, c.logic_look, shapes)
    absent = {name: np.full(n, None, dtype=object) for name in SCHEMA.names if name.startswith("logic_")}
    return absent | out


def _measures(prefix: str, deviation: Any, worst: Any, look: int, shapes: tuple[Shape, ...]) -> dict[str, Any]:
    assert isinstance(worst, Worst)
    index = [str([int(k) for k in np.unravel_index(int(i), s)]) for i, s in zip(worst.index, shapes, strict=True)]
    columns = {
        "max_abs": deviation.max_abs,
        "max_rel": deviation.max_rel,
        "rms": deviation.rms,
        "roundings": worst.roundings,
        "sigma": worst.sigma,
        "look": np.full(len(shapes), look if look else None, dtype=object),
        "worst_index": np.array(index, dtype=object),
        "worst_value": worst.value,
        "worst_reference": worst.reference,
    }
    return {prefix + name: values for name, values in columns.items()}
