"""The lock of a folder that a process records in: as long as it is held, the process lives."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.errors import RunError, one_line

RUN_LOCK = "run.lock"
SWEEP_LOCK = "sweep.lock"
BRIEF = 1.0
"""Seconds: whoever only looks whether a lock is held has it for a moment."""
AGAIN = 0.2
"""Seconds between two tries at a lock that is waited for."""


@contextmanager
def locked(folder: Path, name: str, wait: bool = False) -> Iterator[None]:
    """Holds the lock ``name`` of ``folder``, which is there, and removes it at the end.

    The system frees it when the process ends, in whatever way; the file is left then. It tells which process it is, and
    where. ``wait`` is for a process that may take the place of another which still works in the folder.

    Raises:
        RunError: Another process holds it, or the file cannot be written.
    """
    from filelock import FileLock, Timeout

    path = folder / name
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=BRIEF)
        except Timeout as held:
            if not wait:
                raise RunError(f"{folder}: {_holder(path)} records there") from held
            print(f"runner: {folder}: waits for {_holder(path)}, which records there", file=sys.stderr)
            lock.acquire(poll_interval=AGAIN)
        path.write_text(f"{os.getpid()} {platform.node()}\n", encoding="utf-8")
    except OSError as error:
        if lock.is_locked:
            with suppress(OSError):
                path.unlink()
        lock.release()
        raise RunError(f"{path}: {one_line(error.strerror or str(error))}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a process holds this lock; one that cannot be tried may be held, one that is free is removed."""
    from filelock import FileLock, Timeout

    if not path.is_file():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        return True
    path.unlink(missing_ok=True)  # it may have been removed since, and made again by the try
    lock.release()
    return False


def process_of(path: Path) -> int | None:
    """The process on this machine that holds the lock, as far as it has told."""
    try:
        number, _, host = path.read_text(encoding="utf-8").strip().partition(" ")
    except (OSError, ValueError):
        return None
    return int(number) if host == platform.node() and number.isdigit() and is_held(path) else None


def wait_until_free(paths: list[Path], seconds: float) -> None:
    """Waits until none of the locks is held, but no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while any(map(is_held, paths)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _holder(path: Path) -> str:
    number = process_of(path)
    return "another process" if number is None else f"process {number}"
