"""Comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.data.files.arrow import ArrowTable
from runner.data.files.base import TableFile
from runner.data.files.table import Table, refuse_repeated
from runner.errors import ConfigError, shortened

BLOCK = 2**20
"""Bytes of the file that are read at a time, at least; several blocks are under way at once."""
CELL = 2**7
"""Bytes that a cell may take, on average over a row: a row must be shorter than a block."""
TOO_LONG = "straddl"
"""In pyarrow's words, a row that is not."""
GROWTH, LONGEST = 4, 2**31 - 1
"""How much longer the next blocks are, and the longest that pyarrow takes."""


@dataclass(frozen=True, kw_only=True)
class Csv(TableFile):
    """A text file in UTF-8: a line of names, then a row a line, commas between the cells, quotes as in RFC 4180."""

    def open(self, path: Path) -> Table:
        return CsvTable(self.path, path)


class CsvTable(ArrowTable):
    """pyarrow reads the rows; Python's own reader the header and, where something is wrong, the line it stands in."""

    def __init__(self, path: str, file: Path) -> None:
        self.file = file
        self.path = path
        _, header = next(self._rows(), (0, []))
        super().__init__(path, [name.strip() for name in header])
        if not header:
            raise ConfigError("path", f"{path!r}, whose first line is empty", "the columns' names in the first line")
        refuse_repeated(path, [name for name in self.names if name])

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Where a row is longer than a block, the file is read again in longer ones, less the rows that were given."""
        import pyarrow as pa

        size, given = max(BLOCK, CELL * len(self.names)), 0
        while True:
            row = 0
            try:
                for batch in self._batches(names, size):
                    fresh = batch.slice(max(0, given - row))
                    row += batch.num_rows
                    if fresh.num_rows:
                        given = row
                        yield fresh
            except pa.ArrowInvalid as error:
                if TOO_LONG not in str(error) or size >= min(LONGEST, 2 * self.file.stat().st_size):
                    raise self._complaint(str(error)) from error
                size = min(LONGEST, GROWTH * size)
            else:
                return

    def _batches(self, names: Sequence[str], size: int) -> Iterator[Any]:
        """All of them, read in blocks of ``size`` bytes; raises pyarrow.ArrowInvalid."""
        import pyarrow as pa
        from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

        keys = [str(i) for i in range(len(self.names))]
        wanted = [keys[list(self.names).index(name)] for name in names]
        text = dict.fromkeys(wanted, pa.string())
        with pa.OSFile(str(self.file)) as file:
            yield from open_csv(
                file,
                ReadOptions(use_threads=False, block_size=size, column_names=keys, skip_rows_after_names=1),
                ParseOptions(newlines_in_values=True),
                ConvertOptions(column_types=text, include_columns=wanted),
            )

    def where(self, row: int) -> str:
        rows = self._rows()
        next(rows)
        return f"line {next(line for i, (line, _) in enumerate(rows) if i == row)}"

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row that is not empty, and the number of the line where it ends."""
        csv.field_size_limit(LONGEST)
        try:
            with self.file.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file)
                for i, row in enumerate(reader):
                    if row or i == 0:
                        yield reader.line_num, row
        except UnicodeDecodeError as error:
            raise ConfigError("path", f"{self.path!r}, {self._undecodable()}", "text in UTF-8") from error
        except csv.Error as error:
            raise ConfigError("path", f"{self.path!r} ({error})", "comma-separated values") from error

    def _undecodable(self) -> str:
        with self.file.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    return f"line {number}, byte {error.start + 1}: 0x{line[error.start]:02x}"
        return "which ends in the middle of a character"

    def _complaint(self, text: str) -> ConfigError:
        """What pyarrow has stumbled over, and in which line."""
        rows = self._rows()
        next(rows)
        width, seen = len(self.names), 0
        for line, row in rows:
            if len(row) != width:
                got = f"{self.path!r}, line {line}, a row of length {len(row)}: {shortened(','.join(row))}"
                return ConfigError("path", got, f"as many cells as columns have names, {width}")
            seen += 1
        if not seen:
            return ConfigError("path", f"{self.path!r}, which has columns but no row", "at least one sample")
        return ConfigError("path", f"{self.path!r} ({text})", "comma-separated values")
