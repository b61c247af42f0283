"""Arrays in NumPy's own format."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from runner.arrays import Array, Shape
from runner.data.files.table import Block, CellError, Table
from runner.data.returned import LARGEST
from runner.data.store import blocks, write_whole
from runner.errors import ConfigError

TOKENS = "whole numbers from 0, as data.tokens is true"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def mapped(file: IO[bytes], size: int, called: str) -> Array:
    """The array that a file of ``size`` bytes holds in NumPy's format, as a map that reads what is asked for.

    Raises:
        ConfigError: It holds none, or one of objects or records; the key is ``path``, and it is said to be ``called``.
    """
    shape, column_major, dtype, wanted = described(file, called)
    offset = file.tell()
    if wanted > size - offset:
        raise ConfigError("path", f"{called}, {size - offset} bytes of {wanted}", "an array that is whole")
    if not wanted:
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", offset, shape, "F" if column_major else "C")


def described(file: IO[bytes], called: str) -> tuple[Shape, bool, np.dtype[Any], int]:
    """Of an array that begins here: its shape, whether its columns lie together, its dtype, and how many bytes it has.

    Raises:
        ConfigError: As of ``mapped``.
    """
    try:
        header = HEADERS.get(npy.read_magic(file))
        if header is None:
            raise ValueError("a version of the format that is not known")
        shape, column_major, dtype = header(file)
        if min(shape, default=0) < 0:
            raise ValueError(f"the shape {shape}")
    except (ValueError, EOFError) as error:
        raise ConfigError("path", f"{called} ({error})", "an array as numpy.save writes it") from error
    if dtype.kind not in "biufU":
        raise ConfigError("path", f"{called}, an array of {dtype}", "arrays of numbers or text")
    return shape, column_major, dtype, dtype.itemsize * int(np.prod(shape, dtype=object))


def unpacked(stream: IO[bytes]) -> tuple[IO[bytes], int]:
    """A temporary file without a name that holds what ``stream`` gives, and its size in bytes.

    Raises:
        RunError: The temporary file cannot be written.
    """
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    size = 0
    while chunk := stream.read(2**20):
        write_whole(file, chunk)
        size += len(chunk)
    file.seek(0)
    return file, size


class ArrayTable(Table):
    """Arrays whose first axis counts the samples.

    ``x`` (samples, *sample) is the inputs; where it has two axes its columns are called 0, 1, 2, ... Without it the
    ``columns`` (samples,) are. ``y`` is brought along: with one axis, as class indices. Where the inputs are
    ``tokens``, they are whole numbers from 0.
    """

    def __init__(self, x: Array | None, columns: Mapping[str, Array], y: Array | None = None, *, tokens: bool) -> None:
        self.x, self.y, self.columns, self.tokens = x, y, columns, tokens
        width = 0 if x is None else int(np.prod(x.shape[1:]))
        self._place = {str(i): i for i in range(width)}
        self.inputs = list(columns if x is None else self._place)
        self.names = [*(self._place if x is None or x.ndim == 2 else ()), *columns]
        self.rows = len(next(iter(columns.values())) if x is None else x)

    def blocks(self, features: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> Iterator[Block]:
        kept = [array for array in (self.x, self.y, *self.columns.values()) if array is not None]
        for part in blocks(self.rows, sum(array.nbytes for array in kept) // max(1, self.rows)):
            flat = np.empty((part.stop - part.start, 0))
            if self.x is not None:
                flat = np.asarray(self.x[part], np.float64).reshape(len(flat), -1)
            x = flat
            if list(features) != list(self._place):
                x = np.stack([self._column(name, part, flat) for name in features], axis=1)
            elif self.x is not None:
                x = flat.reshape(len(flat), *self.x.shape[1:])
            columns = {name: self._column(name, part, flat) for name in numbers}
            columns |= {name: _text(self.columns[name][part]) for name in texts}
            x = _whole(x, part.start, features) if self.tokens else x
            yield Block(x, columns, None if self.y is None else self._targets(self.y[part]))

    def _column(self, name: str, part: slice, flat: Array) -> Array:
        if name in self._place:
            return flat[:, self._place[name]]
        values = self.columns[name][part]
        if values.dtype.kind == "U":
            raise CellError(part.start, name, str(values[0]))
        return np.asarray(values, np.float64)

    @staticmethod
    def _targets(y: Array) -> Array:
        return np.asarray(y, np.int64 if y.ndim == 1 else np.float64)


def _whole(x: Array, row: int, features: Sequence[str]) -> Array:
    """x (rows, *sample) as int64; ``row`` is its first one's place in the file."""
    flat = x.reshape(len(x), -1)
    wrong = np.argwhere(~((flat >= 0) & (flat < LARGEST) & (flat == np.floor(flat))))
    if len(wrong):
        at, column = wrong[0]
        value = flat[at, column]
        got = int(value) if value == np.floor(value) and np.isfinite(value) else float(value)
        raise CellError(row + int(at), features[int(column)], got, TOKENS)
    return x.astype(np.int64)


def _text(values: Array) -> Array:
    return np.array([text.strip() or None for text in values.tolist()], object)
