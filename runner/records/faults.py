"""Faults of the program: told in one line on stderr, their tracebacks in error.log."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from runner.errors import ConfigError
from runner.records.files import utf8, write_text
from runner.user_code import told

LOG = "error.log"
REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""A disk that is full, a limit, a folder that must not be written."""


class Undrawn(NamedTuple):
    """A file of a run that shows what others hold, and why it could not be made."""

    name: str
    error: Exception


@contextmanager
def noting(name: str, faults: list[Undrawn]) -> Iterator[None]:
    """Adds a fault in drawing the file ``name`` to ``faults``; what cannot be read or written is raised."""
    try:
        yield
    except (ConfigError, OSError):
        raise
    except Exception as error:
        faults.append(Undrawn(name, error))


def told_failure(folder: Path, error: BaseException) -> str:
    """Why a run could not finish, in one line: what the disk refuses, or a fault, whose traceback goes to a file."""
    if isinstance(error, OSError) and error.errno in REFUSALS:
        words = os.strerror(error.errno)
        return words if error.filename is None else f"{error.filename}: {words}"
    return f"{told(error)} ({log_traceback(folder, error)})"


def log_traceback(folder: Path, *errors: BaseException) -> str:
    """Writes the tracebacks into ``folder``, and says where."""
    log = folder / LOG
    try:
        write_text(log, utf8("\n".join("".join(traceback.format_exception(error)) for error in errors)))
    except OSError as error:
        return f"its traceback could not be written: {error.strerror}"
    return f"traceback in {log}"


def tell_undrawn(folder: Path, faults: Sequence[Undrawn]) -> None:
    """A line on stderr for each of ``faults``; all their tracebacks go into ``folder``."""
    if faults:
        where = log_traceback(folder, *(fault.error for fault in faults))
        for name, error in faults:
            print(f"runner: {name} could not be drawn: {told(error)} ({where})", file=sys.stderr)
