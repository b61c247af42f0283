"""Standard output and error, which name themselves where they take no more: a disk is full, or the reader has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from runner.errors import NOT_FINISHED

OUTPUT, ERROR = "standard output", "standard error"
NO_READER = 128 + 13
"""The exit code of a program whose reader went away (`| head -1`), as shells tell of one that SIGPIPE ended."""


class Named:
    """A stream of text whose refusals have its name for a file's."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        """As the stream's own; raises OSError with the name."""
        with self._naming():
            return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """As the stream's own; raises OSError with the name."""
        with self._naming():
            self._stream.writelines(lines)

    def flush(self) -> None:
        """As the stream's own; raises OSError with the name."""
        with self._naming():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._name) from error


def name_streams() -> None:
    """From here on what standard output or error refuses is told from what any other file does."""
    if sys.stdout is not None:
        sys.stdout = cast(TextIO, Named(sys.stdout, OUTPUT))
    if sys.stderr is not None:
        sys.stderr = cast(TextIO, Named(sys.stderr, ERROR))


def silence(*streams: int) -> None:
    """What is printed to these file descriptors, and what is held back for them, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream)
    os.close(nowhere)


def is_refused(error: BaseException) -> bool:
    """Whether this is of what could not be printed."""
    return isinstance(error, OSError) and error.filename in (OUTPUT, ERROR)


def give_up(error: OSError) -> int:
    """The exit code after what could not be printed; what Python still holds back, and would complain of, is lost."""
    gone = isinstance(error, BrokenPipeError)
    if not gone and sys.stderr is not None:
        with suppress(OSError):
            print(f"runner: {error.filename}: {error.strerror}", file=sys.stderr)
    silence(1, 2)
    return NO_READER if gone else NOT_FINISHED
