"""The thread that writes what the loop hands over, so that the loop need not wait for disk or store."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from threading import Event, Thread

Work = Callable[[], object]
Hand = Callable[[Work], None]
"""Takes work to be done soon, in the order in which it is handed over. What the work reads is no longer changed."""

ROOM = 4
"""Pieces of work that may wait, each some megabytes: memory stays flat where the disk is slower than the training."""


def at_once(work: Work) -> None:
    """Does it before it returns."""
    work()


class Writer:
    """Does what it is handed, one piece after the other; whoever hands over more than ``ROOM`` pieces waits.

    What fails is raised once, as it is, by ``check`` or ``join``. Pieces after it are done all the same, so that every
    file is closed; each file looks for itself whether what came before in it was written.
    """

    def __init__(self) -> None:
        self._queue: Queue[Work | None] = Queue(ROOM)
        self._thread: Thread | None = None
        self._failure: BaseException | None = None
        self._joined = False

    def hand(self, work: Work) -> None:
        """Hands over a piece of work; once the writer was joined, it is done at once."""
        if self._joined:
            work()
            return
        if self._thread is None:  # a run that is over before anything is full needs none
            self._thread = Thread(target=self._work, name="writer", daemon=True)
            self._thread.start()
        self._queue.put(work)

    def check(self) -> None:
        """Raises what failed since it was last asked."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def drain(self) -> None:
        """Waits until everything that was handed over is written.

        Raises:
            Exception: What failed and was not raised yet.
        """
        if self._thread is not None and not self._joined:
            done = Event()
            self._queue.put(done.set)
            done.wait()
        self.check()

    def join(self) -> None:
        """Waits until everything is written, and ends the thread.

        Raises:
            Exception: What failed and was not raised yet.
        """
        if self._thread is not None and not self._joined:
            self._queue.put(None)
            self._thread.join()
        self._joined = True
        self.check()

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except BaseException as failure:  # it is the run's, and is raised there
                self._failure = self._failure or failure
            del work  # and what it holds, while the next is waited for
