"""SIGINT and SIGTERM: they stop a run at once, but for the midst of a call that must not be torn."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from runner.errors import NOT_FINISHED

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME = 1.0
"""Seconds within which a further signal is the same stop: a terminal sends one to all processes, and so do we."""

_waiting = 0
_asked = False
_first: float | None = None
_tell: Callable[[], None] | None = None


def install() -> None:
    """Both signals raise KeyboardInterrupt, or wait for the end of an ``uninterrupted`` block; a second one kills."""
    for number in SIGNALS:
        signal.signal(number, _stop)


@contextmanager
def installed() -> Iterator[None]:
    """The same for a block in a process that some launcher has begun; between its jobs the signals are its own."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if threading.current_thread() is not threading.main_thread() or _stop in before.values():
        yield
        return
    install()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def passed_on(tell: Callable[[], None]) -> Iterator[None]:
    """A block in which ``tell`` is called before a stop is heeded here: it stops other processes."""
    global _tell
    _tell = tell
    try:
        yield
    finally:
        _tell = None


def was_asked() -> bool:
    """Whether this process was told to stop, ever: it begins nothing new."""
    return _first is not None


def check() -> None:
    """Raises KeyboardInterrupt if a stop was asked for that was swallowed, as Python does in a finaliser."""
    if _asked:
        raise KeyboardInterrupt


def asked() -> bool:
    """Whether a stop was asked for that has not been caught yet."""
    return _asked


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
    global _asked, _first
    now = time.monotonic()
    if _first is not None and now - _first < SAME:
        return
    if _first is not None:
        os._exit(NOT_FINISHED)
    _first, _asked = now, True
    if _tell is not None:
        _tell()
    if not _waiting:
        raise KeyboardInterrupt
