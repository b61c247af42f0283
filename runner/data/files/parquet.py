"""Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.data.files.arrow import ArrowTable
from runner.data.files.base import TableFile
from runner.data.files.table import Table, refuse_repeated
from runner.errors import ConfigError

CELLS = 2**19
"""Cells that are read at a time."""
BUFFER = 2**18
"""Bytes of each column that are read at a time; without it a whole row group would be."""


@dataclass(frozen=True, kw_only=True)
class Parquet(TableFile):
    """A parquet file; an index that pandas has written beside the columns is no input."""

    def open(self, path: Path) -> Table:
        return ParquetTable(self.path, path)


class ParquetTable(ArrowTable):
    def __init__(self, path: str, file: Path) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile

        self.file = file
        try:
            with ParquetFile(file) as opened:
                names = opened.schema_arrow.names
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ConfigError("path", f"{path!r} ({error})", "a parquet file") from error
        super().__init__(path, names)
        self.inputs = [name for name in names if not re.fullmatch(r"__index_level_\d+__", name)]
        refuse_repeated(path, names)

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile

        try:
            with ParquetFile(self.file, buffer_size=BUFFER, pre_buffer=False) as opened:
                size = max(1, CELLS // len(names))
                for batch in opened.iter_batches(size, columns=list(names), use_threads=False):
                    yield batch.select(list(names))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise ConfigError("path", f"{self.path!r} ({error})", "a parquet file that is whole") from error
