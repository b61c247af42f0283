"""Rows that come block by block: kept in memory or, where they are many, in a temporary file without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from runner.arrays import Array
from runner.errors import RunError

IN_MEMORY = 2**28
"""Bytes of an array above which it lies in a file."""
BLOCK = 2**22
"""Bytes that are worked on at a time."""


def blocks(rows: int, row_bytes: int) -> Iterator[slice]:
    """Slices that together are all the rows, in order, each of about ``BLOCK`` bytes and at least one row."""
    step = max(1, BLOCK // max(1, row_bytes))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def blocks_of(array: Array) -> Iterator[slice]:
    """Slices that together are all the rows of ``array``."""
    return blocks(len(array), array.nbytes // max(1, len(array)))


class Store:
    """Rows of one shape and dtype, those of its first block.

    ``array`` gives them as one writable array (rows, *row): a np.memmap where they take more than ``IN_MEMORY`` bytes.
    Its file has no name: the system removes it when the array goes, or the process, however it ends.
    """

    def __init__(self) -> None:
        self._blocks: list[Array] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def append(self, block: Array) -> None:
        """Takes the next rows, which must not be changed afterwards.

        Raises:
            RunError: The temporary file cannot be written.
        """
        self._bytes += block.nbytes
        self._blocks.append(block)
        if self._bytes > IN_MEMORY:
            self._write()

    def _write(self) -> None:
        """Plain writes, not a map: a full disk is an error here, but a signal that ends the process there."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        for block in self._blocks:
            write_whole(self._file, block.tobytes())
        self._blocks = [self._blocks[-1][:0]]

    def array(self) -> Array:
        """All rows; at least one block must have been taken."""
        if self._file is None:
            return np.concatenate(self._blocks)
        last = self._blocks[-1]
        rows = self._bytes // (last.itemsize * int(np.prod(last.shape[1:], dtype=np.int64)))
        return np.memmap(self._file, last.dtype, "r+", shape=(rows, *last.shape[1:]))


def write_whole(file: IO[bytes], content: bytes) -> None:
    """Writes to a temporary file without a buffer.

    Raises:
        RunError: It cannot be written: the disk is full.
    """
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise RunError(f"temporary file in {tempfile.gettempdir()}: {error.strerror or error}") from error


def by_rows(function: Callable[[slice], Array], parts: Iterator[slice]) -> Array:
    """The rows that ``function`` gives for each of ``parts``, one below the other."""
    store = Store()
    for part in parts:
        store.append(function(part))
    return store.array()


def permutation(rows: int, rng: np.random.Generator) -> Array:
    """``rng.permutation(rows)``, in a file where it is long."""
    order = by_rows(lambda part: np.arange(part.start, part.stop), blocks(rows, np.dtype(np.int64).itemsize))
    rng.shuffle(np.asarray(order))
    return order
