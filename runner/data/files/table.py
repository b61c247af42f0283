"""A file as rows of named columns, read a block at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.arrays import Array
from runner.errors import ConfigError


class CellError(Exception):
    """The value of a cell is not a number, or none that is ``allowed``; ``row`` counts the file's rows from 0."""

    def __init__(self, row: int, column: str, value: object, allowed: str = "a number in every cell") -> None:
        super().__init__(row, column, value, allowed)
        self.row, self.column, self.value, self.allowed = row, column, value, allowed


@dataclass(frozen=True)
class Block:
    """Some rows.

    Attributes:
        x: The inputs (rows, *sample): float64, NaN where a cell is empty, or whole numbers (tokens).
        columns: The target's columns (rows,): float64, or objects that are text or, in an empty cell, None.
        y: Targets that the file brings, as ``Samples.y`` has them.
    """

    x: Array
    columns: Mapping[str, Array] = field(default_factory=dict)
    y: Array | None = None


class Table(ABC):
    """An open file. ``names`` are its columns, ``inputs`` those that are inputs where nothing else is said."""

    names: Sequence[str]
    inputs: Sequence[str]

    @abstractmethod
    def blocks(self, features: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> Iterator[Block]:
        """All rows in order, from the first one at each call; ``numbers`` and ``texts`` are the target's columns.

        Raises:
            CellError: Something in ``features`` or ``numbers`` is text, or a token is no whole number from 0.
            ConfigError: The file is damaged; its key is ``path``.
        """

    def where(self, row: int) -> str:
        """In words, the place of a row that is counted from 0."""
        return f"row {row + 1}"


def existing(text: str, path: Path) -> Path:
    """``path``, which the configuration calls ``text``, if it is a file that can be read and is not empty.

    Raises:
        ConfigError: It is not; the key is ``path``.
    """
    if not text:
        raise ConfigError("path", "an empty text", "the path of a file")
    try:
        if path.exists() and not path.is_file():
            raise ConfigError("path", f"{text!r}, a {'folder' if path.is_dir() else 'device or pipe'}", "a file")
        with path.open("rb") as file:
            if not file.read(1):
                raise ConfigError("path", f"{text!r}, an empty file", "a file with samples in it")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError("path", f"{text!r} ({reason})", "a file that can be read") from error
    return path


def refuse_repeated(path: str, names: Sequence[str]) -> None:
    """Raises ConfigError where two columns of the file have the same name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ConfigError("path", f"{path!r}, in which two columns are called {name!r}", "names that differ")
        seen.add(name)
