"""Tables in row groups, and deviations.parquet: every measure of every tensor and step."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from runner.arrays import Array, Shape
from runner.comparison.results import Comparison, Worst
from runner.errors import RunError
from runner.records.files import naming, part_of, parts_of, publish, settle
from runner.records.writer import Hand, at_once

ROWS_AT_ONCE = 10_000
"""Rows that are gathered in memory, and then written as a part of the table."""

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


@dataclass(frozen=True)
class TableState:
    """A table that goes on: how many numbered parts are whole, and the rows after them, gathered in a ``room``.

    ``rows`` are the bytes of a parquet file, uint8.
    """

    parts: int
    room: int
    rows: Array


class RowGroups:
    """A parquet file that is written in numbered parts (``parts_of``) while the run goes on, and whole once closed.

    A process that is killed leaves the parts that it has written, each a parquet file, and loses the rows after them:
    ``ROWS_AT_ONCE`` at most. Writing is handed to ``hand``, which keeps the order.
    """

    def __init__(self, path: Path, schema: pa.Schema, hand: Hand = at_once) -> None:
        self._path, self._schema, self._hand = path, schema, hand
        self._room = _Rows(schema, 0)
        self._handed = self._written = self._settled = 0  # parts: by the loop, by the writer, and on the disk for good
        self._merged = False

    def extend(self, count: int, columns: Mapping[str, object]) -> None:
        """Copies rows: of each of the schema's columns an array (count,), or what is the same in all of them.

        Rows are gathered in columns that are there already: row recording of docs/performance.md.
        """
        if not self._room.take(count, columns):
            self._hand_over()
            self._room = _Rows(self._schema, max(count, ROWS_AT_ONCE))
            self._room.take(count, columns)

    def state(self) -> TableState:
        """What ``go_on_from`` needs, once all that was handed over is written; the parts outlast a power cut then."""
        for number in range(self._settled, self._written):
            settle(self._part(number))
        if self._written > self._settled:
            settle(parts_of(self._path))
        self._settled = self._written
        rows = pa.BufferOutputStream()
        pq.write_table(self._room.table(), rows)
        return TableState(self._written, self._room.room, np.frombuffer(rows.getvalue(), np.uint8))

    def go_on_from(self, state: TableState) -> None:
        """Takes up what an earlier process has left: the parts, and the rows after them. What is beyond is removed.

        A table that was merged already, as its run came to its end, is left as it is.

        Raises:
            RunError: A part is missing.
        """
        self._merged = self._path.exists()
        if self._merged:
            return
        for number in range(state.parts):
            if not self._part(number).is_file():
                raise RunError(f"{self._part(number)}: gone, which the run goes on from")
        for part in parts_of(self._path).glob("*.parquet"):
            if int(part.stem) >= state.parts:
                part.unlink()
        self._handed = self._written = self._settled = state.parts
        self._room = _Rows(self._schema, state.room)
        found = pq.read_table(pa.BufferReader(state.rows))
        self._room.take(len(found), {name: _gathered(found[name]) for name in found.column_names})

    def close(self) -> None:
        """Hands over what is left, and the way of the whole file into its place."""
        self._hand(partial(self._merge, self._handed, self._room))

    def _hand_over(self) -> None:
        if self._room.count:
            self._hand(partial(self._write, self._handed, self._room))
            self._handed += 1

    def _part(self, number: int) -> Path:
        return parts_of(self._path) / f"{number:06}.parquet"

    def _write(self, number: int, rows: _Rows) -> None:
        """Writes a part, unless one before it could not be written: what is kept has no gap."""
        if number != self._written:
            return
        parts_of(self._path).mkdir(exist_ok=True)
        with naming(self._path):
            pq.write_table(rows.table(), part_of(self._path))
        part_of(self._path).replace(self._part(number))
        self._written += 1

    def _merge(self, handed: int, rest: _Rows) -> None:
        """Writes the parts and the rest into one file, some row groups at a time."""
        if not self._merged:
            last = [rest.table()] if rest.count and self._written == handed else []
            with naming(self._path), pq.ParquetWriter(part_of(self._path), self._schema) as writer:
                write_gathered(writer, chain(map(pq.read_table, map(self._part, range(self._written))), last))
            publish(self._path)
        if parts_of(self._path).is_dir():
            shutil.rmtree(parts_of(self._path))


class _Rows:
    """Rows of a schema, gathered column by column; there is room for ``room`` of them."""

    def __init__(self, schema: pa.Schema, room: int) -> None:
        self._schema, self.room, self.count = schema, room, 0
        self._columns: dict[str, Array] = {field.name: np.empty(room, _kind(field.type)) for field in schema}

    def take(self, count: int, columns: Mapping[str, object]) -> bool:
        """Takes so many rows, or none and says so where there is no room for them."""
        begin, end = self.count, self.count + count
        if end > self.room:
            return False
        for name, column in self._columns.items():
            column[begin:end] = columns[name]
        self.count = end
        return True

    def table(self) -> pa.Table:
        """What was taken; NaN and None are null."""
        arrays = [pa.array(self._columns[f.name][: self.count], f.type, from_pandas=True) for f in self._schema]
        return pa.Table.from_arrays(arrays, schema=self._schema)


def _kind(field: pa.DataType) -> type:
    """Of a column that is gathered; one that may be null without being a number with NaN is of objects."""
    return np.float64 if pa.types.is_float64(field) else np.int64 if pa.types.is_int64(field) else object


def _gathered(column: pa.ChunkedArray) -> object:
    """A column that was read, as it is gathered: null is NaN among numbers and None among other things."""
    return column.to_numpy() if _kind(column.type) is not object else column.to_pylist()


class DeviationsTable(RowGroups):
    """Every comparison's rows."""

    def __init__(self, path: Path, hand: Hand = at_once) -> None:
        super().__init__(path, SCHEMA, hand)

    def add(self, step: int, c: Comparison) -> None:
        """Adds one comparison's rows, one a tensor."""
        self.extend(len(c.layout.names), {**columns_of(c), "step": step, "tensor": c.layout.names})


UNJUDGED = dict.fromkeys(name for name in SCHEMA.names if name.startswith("logic_"))


def columns_of(c: Comparison) -> dict[str, Any]:
    """Its rows' columns but for the step and the tensor, which is that of the layout; one value stands for all rows."""
    out: dict[str, Any] = {
        "backend": c.backend,
        "reference": c.reference,
        "verdict": c.verdict,
        "error": np.nan if c.error is None else c.error,
        "reference_error": np.nan if c.reference_error is None else c.reference_error,
    }
    shapes = c.layout.shapes
    out |= _measures("", c.deviation, c.precision, c.precision_look, shapes)
    if c.logic is not None:
        return out | _measures("logic_", c.logic_deviation, c.logic, c.logic_look, shapes)
    return UNJUDGED | out


def _measures(prefix: str, deviation: Any, worst: Any, look: int, shapes: tuple[Shape, ...]) -> dict[str, Any]:
    assert isinstance(worst, Worst)
    columns = {
        "max_abs": deviation.max_abs,
        "max_rel": deviation.max_rel,
        "rms": deviation.rms,
        "roundings": worst.roundings,
        "sigma": worst.sigma,
        "look": look or None,
        "worst_index": [place_of(int(i), shape) for i, shape in zip(worst.index, shapes, strict=True)],
        "worst_value": worst.value,
        "worst_reference": worst.reference,
    }
    return {prefix + name: values for name, values in columns.items()}


def place_of(index: int, shape: Shape) -> str:
    """The indices, as a list is written, of an element of the flattened tensor."""
    found: list[int] = []
    for size in reversed(shape):
        index, at = divmod(index, size)
        found.append(at)
    return str(found[::-1])
