"""SIGINT, SIGTERM and SIGHUP: they stop a run at once, but for the midst of a call that must not be torn."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from runner.errors import NOT_FINISHED
from runner.printing import silence

HANGUP = getattr(signal, "SIGHUP", None)
"""A terminal was closed; Windows has no such signal."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([] if HANGUP is None else [HANGUP]))
SAME = 1.0
"""Seconds within which a further signal is the same stop: a terminal sends one to all processes, and so do we."""
PAUSE = 0.01
"""Seconds until the finaliser is over in which a stop was swallowed."""

_waiting = 0
_asked = False
_swallowed = False
_first: float | None = None
_tell: Callable[[], None] | None = None


def install() -> None:
    """The signals raise KeyboardInterrupt, or wait for the end of an ``uninterrupted`` block; a second one kills.

    A hangup that is ignored already, as ``nohup`` has it, stays so.
    """
    for number in SIGNALS:
        if number != HANGUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _again


def ignore() -> None:
    """The exit code is known: what still comes does not change it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if was_asked():
        import ctypes

        # CPython ends by SIGINT where a KeyboardInterrupt has left code that a library ran; other code undoes that
        ctypes.pythonapi.PyRun_SimpleString(b"pass")


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


def _stop(number: int, _frame: FrameType | None) -> None:
    global _asked, _first, _swallowed
    now = time.monotonic()
    if _swallowed:
        _swallowed = False
    elif _first is not None:
        if now - _first < SAME:
            return
        os._exit(NOT_FINISHED)
    else:
        _first, _asked = now, True
        if number == HANGUP:
            _leave_terminal()
        if _tell is not None:
            _tell()
    if _asked and not _waiting:
        raise KeyboardInterrupt


def _again(found: sys.UnraisableHookArgs) -> None:
    """A stop that has come in a finaliser, which Python only tells of, comes again."""
    global _swallowed
    if found.exc_type is not KeyboardInterrupt or not _asked:
        sys.__unraisablehook__(found)
        return
    _swallowed = True
    again = threading.Timer(PAUSE, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()


def _leave_terminal() -> None:
    """What is printed goes nowhere: the terminal that was closed takes no more."""
    silence(*(stream for stream in (1, 2) if stat.S_ISCHR(os.fstat(stream).st_mode)))
