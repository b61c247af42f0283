"""Columns that pyarrow reads."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.data.files.table import Block, CellError, Table
from runner.errors import ConfigError

EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""Text that stands for an empty cell."""


class ArrowTable(Table):
    """A table whose rows come as pyarrow's record batches."""

    def __init__(self, path: str, names: Sequence[str]) -> None:
        self.path = path
        self.names = self.inputs = names

    @abstractmethod
    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        """pyarrow.RecordBatch after RecordBatch of these columns, in this order."""

    def blocks(self, features: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> Iterator[Block]:
        row = 0
        for batch in self.batches([*features, *numbers, *texts]):
            found = dict(zip([*features, *numbers, *texts], batch.columns, strict=True))
            x = np.empty((batch.num_rows, len(features)))
            for i, name in enumerate(features):
                x[:, i] = self._numbers(found[name], name, row)
            columns = {name: self._numbers(found[name], name, row) for name in numbers}
            columns |= {name: _text(found[name]).to_numpy(zero_copy_only=False) for name in texts}
            yield Block(x, columns)
            row += batch.num_rows

    def _numbers(self, values: Any, name: str, row: int) -> Array:
        """float64, NaN for an empty cell; text is read as numbers."""
        import pyarrow as pa

        kind = values.type
        if _is_text(kind):
            return _parsed(_text(values), name, row)
        plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
        if not any(is_kind(kind) for is_kind in plain):
            raise ConfigError("path", f"{self.path!r}, whose column {name!r} holds {kind}", "columns of numbers")
        return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _text(values: Any) -> Any:
    """The text without blanks around it; null where that is empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(values.cast(pa.string()))
    return pc.if_else(pc.is_in(trimmed, value_set=pa.array(EMPTY)), pa.scalar(None, pa.string()), trimmed)


def _parsed(text: Any, name: str, row: int) -> Array:
    import pyarrow as pa

    try:
        return np.asarray(text.cast(pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        at = bisect_left(range(len(text)), True, key=lambda i: not _are_numbers(text.slice(0, i + 1)))
        raise CellError(row + at, name, text[at].as_py()) from None


def _are_numbers(text: Any) -> bool:
    import pyarrow as pa

    try:
        text.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
