"""Calls of MLflow's store: tried again for a while, given up at a stop, and what fails told in one line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import TypeVar

from runner import stopping
from runner.errors import RunError, one_line
from runner.secrecy import FROM_ENVIRONMENT

T = TypeVar("T")

DEADLINE = 30.0
"""Seconds from a call's beginning after which it is not tried again, and a database's answer not waited for."""
KNOWN_AWAY = 5.0
"""Seconds that a call may take of a store that this process has found away before; it is tried once."""
HASTE = 0.5
"""Seconds that all calls together may take once the run was stopped; a run is to end within two."""
LOCAL_HASTE = 20.0
"""The same of a database, whose transaction is not to be torn, and takes milliseconds."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two tries; the last one from there on."""
GLANCE = 0.05
"""Seconds between two looks for a stop."""

NOT_KNOWN = f"not authenticated; the environment says who records, {FROM_ENVIRONMENT['http']}"

LASTING = (
    *("is full", "disk i/o error", "readonly database", "no such", "unable to open database", "malformed"),
    *("authentication failed", "does not exist", "permission denied", "not a database"),
)
"""What a database says of what does not pass by itself."""
WORDS = (
    (re.compile(r"\[Errno -?\d+\] ([\w ,'.-]+)"), r"\1"),
    (re.compile(r"Error\(\d+, '([\w ]+)'\)"), r"\1"),
    (re.compile(r"too many (\d+) error responses"), r"it answers with error \1"),
    (re.compile(r"\b(?:read )?timed out\b", re.IGNORECASE), "no answer in time"),
    (re.compile(r"Remote end closed connection without response|IncompleteRead"), "the connection was cut"),
)
"""What is to be told of a failure that the HTTP libraries tell at length."""

_away: set[str] = set()
_lock = Lock()


class StoreError(RunError):
    """The store could not be reached, or refused."""


class Reach:
    """The way to one store, for one run.

    Each call is made by a thread of its own: one that hangs is left behind, where a stop or the deadline comes first.
    It may be done all the same, later; so every call is one that does no harm when it is done twice.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._http = uri.startswith("http")
        self._stopped: float | None = None

    def hurry(self) -> None:
        """The run was stopped: what is still to be sent has ``HASTE`` seconds."""
        if self._stopped is None:
            self._stopped = time.monotonic()

    def call(self, work: Callable[[], T], long: bool = False) -> T:
        """What ``work`` gives, which is tried again where what it met may pass.

        Where it is ``long``, such as an upload, a try may take its time: the requests in it have their own limits.

        Raises:
            StoreError: It was refused, or not done in time.
        """
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        began, tries, known = time.monotonic(), 0, self._uri in _away
        limit = began + (KNOWN_AWAY if known else DEADLINE)
        while True:
            try:
                found = self._try(work, None if long and not known else limit)
            except (MlflowException, SQLAlchemyError, OSError) as error:
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                tries += 1
                if not may_pass(error):
                    raise self._failed(error) from error
                if known or time.monotonic() + pause > limit or not self._rest(pause):
                    self._remember()
                    raise self._failed(error) from error
            else:
                with _lock:
                    _away.discard(self._uri)
                return found

    def _try(self, work: Callable[[], T], limit: float | None) -> T:
        """One try, no longer waited for after ``limit`` or a stop."""
        done, results, failures = Event(), list[T](), list[BaseException]()

        def carry() -> None:
            try:
                results.append(work())
            except BaseException as failure:  # raised below, by whoever waits
                failures.append(failure)
            finally:
                done.set()

        Thread(target=carry, name="mlflow", daemon=True).start()
        while not done.wait(GLANCE):
            if (limit is not None and time.monotonic() > limit) or self._must_end():
                raise TimeoutError("no answer in time")
        if failures:
            raise failures[0]
        return results[0]

    def _rest(self, pause: float) -> bool:
        """Waits before the next try; False where a stop came first."""
        end = time.monotonic() + pause
        while time.monotonic() < end:
            if stopping.asked() or self._stopped is not None:
                return False
            time.sleep(GLANCE)
        return True

    def _must_end(self) -> bool:
        if stopping.asked():
            self.hurry()
        return self._stopped is not None and time.monotonic() > self._stopped + (HASTE if self._http else LOCAL_HASTE)

    def _remember(self) -> None:
        """A stop says nothing of the store."""
        if self._stopped is None:
            with _lock:
                _away.add(self._uri)

    def _failed(self, error: BaseException) -> StoreError:
        return StoreError(f"MLflow at {self._uri}: {reason_of(error)}")


def may_pass(error: BaseException) -> bool:
    """Whether a call that met this may be granted later."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import DBAPIError, OperationalError

    cause = error.__cause__ if isinstance(error, MlflowException) else error
    if isinstance(cause, DBAPIError):
        told = str(cause.orig).lower()
        passing = isinstance(cause, OperationalError) or cause.connection_invalidated
        return passing and not any(words in told for words in LASTING)
    if isinstance(error, MlflowException):
        return _may_pass(int(error.get_http_status_code()))  # type: ignore[no-untyped-call]
    if isinstance(error, RequestException):
        return error.response is None or _may_pass(error.response.status_code)
    return isinstance(error, TimeoutError)


def _may_pass(status: int) -> bool:
    return status >= 500 or status in (408, 429)


def _said_by_database(error: BaseException) -> BaseException | None:
    """Without the statement that met it."""
    orig = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None)
    return orig if isinstance(orig, BaseException) else None


def reason_of(error: BaseException) -> str:
    """What a store met or said, in a few words."""
    if getattr(error, "error_code", None) == "UNAUTHENTICATED":
        return NOT_KNOWN
    text = one_line(str(_said_by_database(error) or error))
    for pattern, words in WORDS:
        found = pattern.search(text)
        if found is not None:
            return found.expand(words).strip()
    return text[:300]
