"""SIGINT and SIGTERM: they stop a run at once, but for the midst of a call that must not be torn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_waiting = 0
_asked = False


def install() -> None:
    """Both signals raise KeyboardInterrupt, or wait for the end of an ``uninterrupted`` block."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def check() -> None:
    """Raises KeyboardInterrupt if a stop was asked for that was swallowed, as Python does in a finaliser."""
    if _asked:
        raise KeyboardInterrupt


def heed() -> None:
    """To be called where a stop has been caught: what follows may go on to its end."""
    global _asked
    _asked = False


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A block, such as a database transaction, that is finished before the run stops.

    Signals stop the main thread alone: in another one there is nothing to be done.
    """
    global _waiting
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _waiting += 1
    try:
        yield
    finally:
        _waiting -= 1
    if _waiting == 0:
        check()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    global _asked
    _asked = True
    if not _waiting:
        raise KeyboardInterrupt
