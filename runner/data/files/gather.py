"""The rows of a table, made into samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.arrays import Array
from runner.data.base import Samples
from runner.data.files.table import Block, CellError, Table
from runner.data.store import Store, blocks_of, by_rows
from runner.errors import ConfigError, shortened


class _Text:
    """A column of text, each distinct value kept once."""

    def __init__(self) -> None:
        self._codes = Store()
        self._known: dict[str, int] = {}

    def append(self, values: Array) -> None:
        known = self._known
        self._codes.append(np.array([known.setdefault(text, len(known)) for text in values], np.int64))

    def array(self) -> Array:
        codes, words = self._codes.array(), np.array(list(self._known), np.str_)
        return by_rows(lambda part: words[codes[part]], blocks_of(codes))


class Reader:
    """Reads ``table``, the file called ``path``; ``missing`` says what becomes of empty cells (see ``TableFile``)."""

    def __init__(self, table: Table, path: str, missing: str) -> None:
        self._table, self._path, self._missing = table, path, missing

    def read(self, features: Sequence[str], targets: Sequence[str]) -> Samples:
        """All rows; a column of the target in which some cell is no number becomes text.

        Raises:
            ConfigError: The file is damaged, or a cell is empty or no finite number; the key is ``path``.
        """
        texts: list[str] = []
        while True:
            try:
                return self._once(features, [name for name in targets if name not in texts], texts)
            except CellError as error:
                if error.column not in targets or not isinstance(error.value, str):
                    place = self._cell(error.row, error.column)
                    raise ConfigError("path", f"{place}: {shortened(error.value)}", error.allowed) from error
                texts.append(error.column)

    def _once(self, features: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> Samples:
        x, y = Store(), Store()
        columns: dict[str, Store | _Text] = {name: _Text() if name in texts else Store() for name in [*numbers, *texts]}
        row, taken, brings = 0, 0, False
        for block in self._table.blocks(features, numbers, texts):
            self._refuse_infinite(block, row, features)
            keep = self._kept(block, row, features)
            x.append(_copied(block.x, keep))
            for name, column in columns.items():
                column.append(_copied(block.columns[name], keep))
            if block.y is not None:
                brings = True
                y.append(_copied(block.y, keep))
            row, taken = row + len(keep), taken + int(keep.sum())
        if not taken:
            what = f"no row without an empty cell, of {row}" if row else "columns but no row"
            raise ConfigError("path", f"{self._path!r}, which has {what}", "at least one sample")
        return Samples(x.array(), y.array() if brings else None, {name: c.array() for name, c in columns.items()})

    def _refuse_infinite(self, block: Block, row: int, features: Sequence[str]) -> None:
        named = [(features, block.x.reshape(len(block.x), -1))] if len(block.x) else []
        named += [([name], column[:, np.newaxis]) for name, column in block.columns.items()]
        named += [] if block.y is None or not block.y.size else [(("y",), block.y.reshape(len(block.y), -1))]
        for names, values in named:
            if values.dtype.kind == "f" and np.isinf(values).any():
                at, column = np.argwhere(np.isinf(values))[0]
                place = self._cell(row + int(at), names[int(column) if len(names) > 1 else 0])
                raise ConfigError("path", f"{place}: {values[at, column]}", "a finite number in every cell")

    def _kept(self, block: Block, row: int, features: Sequence[str]) -> Array:
        """Which rows stay."""
        flat = np.isnan(block.x.reshape(len(block.x), -1)) if block.x.size else np.zeros((len(block.x), 1), bool)
        gaps = {name: _empty(column) for name, column in block.columns.items()}
        if block.y is not None and block.y.dtype.kind == "f":
            gaps["y"] = np.any(np.isnan(block.y.reshape(len(block.y), -1)), axis=1)
        if self._missing == "refuse" and flat.any():
            at, column = np.argwhere(flat)[0]
            self._refuse_empty(row + int(at), features[int(column)], "refuse", "drop or mean, where cells are empty")
        wrong: Array = np.any(flat, axis=1) & (self._missing == "drop")
        for name, gap in gaps.items():
            if self._missing != "drop" and gap.any():
                allowed = "drop, where cells of the target are empty"
                self._refuse_empty(row + int(np.argmax(gap)), name, self._missing, allowed)
            wrong = wrong | gap
        return ~wrong

    def _refuse_empty(self, row: int, column: str, missing: str, allowed: str) -> None:
        raise ConfigError("missing", f"{missing}, and an empty cell or NaN in {self._cell(row, column)}", allowed)

    def _cell(self, row: int, column: str) -> str:
        return f"{self._path!r}, {self._table.where(row)}, column {column!r}"


def _empty(column: Array) -> Array:
    if column.dtype.kind == "O":
        return np.array([value is None for value in column], bool)
    return np.isnan(column)


def _copied(values: Array, keep: Array) -> Array:
    return np.array(values) if keep.all() else values[keep]
