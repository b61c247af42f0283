"""The store that runs are recorded in: opened, made or migrated, and what it refuses told in one line."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ConfigError, RunError, one_line
from runner.records.description import EXPERIMENT_TAGS
from runner.stopping import uninterrupted

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""What MLflow reads, unless the user has set it: by default it tries for minutes to reach a server that is gone."""

LOCK_SECONDS = 60
"""How long a process waits for others that make or migrate the same store, which takes seconds each."""


def open_experiment(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client of the store, which is made or migrated if need be, and the experiment's id, made if it is new.

    Raises:
        ConfigError: The experiment was deleted.
        RunError: The store cannot be reached.
    """
    prepare()
    from mlflow import MlflowClient

    database = database_of(uri)
    with _lock(database) if database else nullcontext(), as_run_error(uri):
        return _open(MlflowClient, uri, experiment)


def _open(client_class: type[MlflowClient], uri: str, experiment: str) -> tuple[MlflowClient, str]:
    client = client_class(uri)
    found = client.get_experiment_by_name(experiment)
    if found is not None and found.lifecycle_stage != "active":
        raise ConfigError("tracking.experiment", f"{experiment}, which was deleted", "one that is there, or a new one")
    if found is not None:
        return client, found.experiment_id
    database = database_of(uri)
    place = (database.parent / "mlartifacts" / database.stem).as_uri() if database else None
    return client, _create(client, experiment, place)


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

    lock = FileLock(f"{database}.lock")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_SECONDS)
    except OSError as error:
        raise RunError(f"MLflow at {database}: {one_line(str(error))}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def as_run_error(uri: str) -> Iterator[None]:
    """A transaction that is torn leaves the database locked, so a stop waits for its end."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with uninterrupted():
            yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise RunError(f"MLflow at {uri}: {one_line(str(error))[:300]}") from error


def prepare() -> None:
    """Imports MLflow, told not to wait for minutes, and to print nothing of its own."""
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    import mlflow  # noqa: F401  # it sets its loggers' levels when it is imported

    for name in ("mlflow", "mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
