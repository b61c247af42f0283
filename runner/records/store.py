"""The store that runs are recorded in: opened, made or migrated, and what it refuses told in one line."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner import stopping
from runner.errors import ConfigError, RunError
from runner.records.databases import alone, check_file, is_database
from runner.records.description import EXPERIMENT_TAGS
from runner.records.reaching import Reach, reason_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow reads, unless the user has set it: by default it waits two minutes for a server that hangs,
and prints where to look, between the lines of the program."""
NO_RETRIES = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""Whatever the user has set: ``Reach`` tries again, and MLflow would make a second run where the answer was lost."""

LOUDNESS = {"mlflow": logging.ERROR, "alembic": logging.ERROR, "mlflow.store.db.utils": logging.CRITICAL}
"""From which level on each logger is heard; the last one tells as errors, at length, what it then raises."""

SERVED = "mlflow-artifacts:"
"""How the place of artifacts begins that a tracking server keeps."""

LOCK_SECONDS = 600
"""How long a process waits for others that make or migrate the same store: seconds each, on a busy machine a minute."""

_opened: set[str] = set()
"""The stores that this process has found made and migrated: the lock, which many may wait for, is taken once."""


def open_experiment(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client of the store, which is made or migrated if need be, and the experiment's id, made if it is new.

    Raises:
        ConfigError: The experiment was deleted, or a tracking server keeps its artifacts and the URI is none.
        RunError: The store cannot be reached.
    """
    return reach_experiment(Reach(uri), uri, experiment)


def reach_experiment(reach: Reach, uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """The same by a way to the store that is known; a store that cannot be reached is a StoreError."""
    prepare()
    database = database_of(uri)
    with stopping.uninterrupted():
        return reach.call(lambda: _open(uri, experiment, database), long=database is not None)


def _open(uri: str, experiment: str, database: Path | None) -> tuple[MlflowClient, str]:
    from mlflow import MlflowClient

    if uri in _opened and (database is None or database.is_file()):
        one_by_one: AbstractContextManager[None] = nullcontext()
    else:
        one_by_one = _lock(database) if database else alone(uri) if is_database(uri) else nullcontext()
    with one_by_one:
        if database is not None and uri not in _opened:
            check_file(uri)
        found = _experiment(MlflowClient(uri), uri, experiment)
    _opened.add(uri)
    return found


def _experiment(client: MlflowClient, uri: str, experiment: str) -> tuple[MlflowClient, str]:
    found = client.get_experiment_by_name(experiment)
    if found is not None and found.lifecycle_stage != "active":
        raise ConfigError("tracking.experiment", f"{experiment}, which was deleted", "one that is there, or a new one")
    if found is not None and found.artifact_location.startswith(SERVED) and not uri.startswith("http"):
        got = f"{uri}, while a tracking server keeps the artifacts of experiment {experiment}"
        raise ConfigError("tracking.uri", got, "that server's address, or another tracking.experiment")
    if found is not None:
        return client, found.experiment_id
    return client, _create(client, experiment, _place(uri))


def _place(uri: str) -> str | None:
    """Where artifacts of new experiments lie: beside a sqlite file, in outputs/ of a database, else as MLflow says."""
    database = database_of(uri)
    if database is not None:
        return (database.parent / "mlartifacts" / database.stem).as_uri()
    name = urlsplit(uri).path.strip("/") if is_database(uri) else ""
    return (Path.cwd() / "outputs" / "mlartifacts" / _slug(name)).as_uri() if name else None


def database_of(uri: str) -> Path | None:
    """The file of a sqlite URI."""
    return Path(uri.partition(":///")[2].partition("?")[0]).absolute() if uri.startswith("sqlite") else None


def _create(client: MlflowClient, experiment: str, place: str | None) -> str:
    from mlflow.exceptions import MlflowException

    try:
        place = place and f"{place}/{_slug(experiment)}"
        return str(client.create_experiment(experiment, place, EXPERIMENT_TAGS))
    except MlflowException:
        found = client.get_experiment_by_name(experiment)  # a server that another process was quicker at
        if found is None:
            raise
        return str(found.experiment_id)


def _slug(name: str) -> str:
    readable = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:80]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@contextmanager
def _lock(database: Path) -> Iterator[None]:
    """Migrating a new sqlite file fails for all but one of the processes that do it at once."""
    from filelock import FileLock

    database.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(f"{database}.lock")
    lock.touch()  # where it cannot be made, the lock would be tried until its time is up
    with FileLock(lock, timeout=LOCK_SECONDS):
        yield


@contextmanager
def as_run_error(uri: str) -> Iterator[None]:
    """A transaction that is torn leaves the database locked, so a stop waits for its end."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with stopping.uninterrupted():
            yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise RunError(f"MLflow at {uri}: {reason_of(error)}") from error


def prepare() -> None:
    """Imports MLflow, told not to wait for minutes, and to print nothing of its own."""
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    os.environ.update(NO_RETRIES)
    import mlflow  # noqa: F401  # it sets its loggers' levels when it is imported

    for name, level in LOUDNESS.items():
        logging.getLogger(name).setLevel(level)
