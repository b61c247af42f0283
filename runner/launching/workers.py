"""Processes in which an engine runs jobs, and which it does not begin or end as is needed here."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from runner.errors import NOT_FINISHED

FOLDER = "RUNNER_WORKS_IN"
LOOK = 1.0
"""Seconds between two looks at whether the launcher lives."""

_busy = threading.RLock()
_watched: list[threading.Thread] = []


def enter() -> None:
    """Goes to the folder that the environment names: relative paths in a configuration mean it.

    For processes of an engine that runs already: they were started elsewhere, and work where the sweep was started.
    """
    os.chdir(os.environ[FOLDER])


@contextmanager
def working() -> Iterator[None]:
    """A job. A worker of joblib's ends after it where its launcher was killed: it would wait for more jobs for ever."""
    launcher = multiprocessing.parent_process()
    if launcher is None or not type(multiprocessing.current_process()).__module__.startswith("joblib."):
        yield
        return
    if not _watched:
        _watched.append(threading.Thread(target=_end_with, args=(launcher.pid,), daemon=True))
        _watched[0].start()
    with _busy:
        yield


def _end_with(launcher: int) -> None:
    """Ends this process when its launcher has ended and no job runs here."""
    while os.getppid() == launcher:
        time.sleep(LOOK)
    with _busy:
        os._exit(NOT_FINISHED)
