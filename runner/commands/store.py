"""An MLflow store that is only read: its client, and its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.checks import check_tracking
from runner.errors import ConfigError, RunError, one_line
from runner.records.databases import is_database, tables_of
from runner.records.store import as_run_error, database_of, prepare

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

URI = "tracking.uri"
PAGE = 500
TABLES = {"experiments", "runs", "alembic_version"}
"""Some of MLflow's, by which it is told from other databases."""


def open_store(uri: str) -> MlflowClient:
    """A client that only reads: nothing is made by looking.

    Raises:
        ConfigError: It is no URI, there is no such sqlite file, or it is no database that this MLflow has made.
        RunError: It is locked, must not be read, or cannot be reached.
    """
    check_tracking({"uri": uri, "experiment": "any"})
    database = database_of(uri)
    made_by = "an MLflow store that is there"
    if database is not None and not database.is_file():
        raise ConfigError(URI, f"{uri}, which is not there", made_by)
    prepare()
    if not (_has_runs(database) if database is not None else _is_ours(uri)):
        raise ConfigError(URI, f"{uri}, which is no store of MLflow", made_by)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        return MlflowClient(uri)
    except MlflowException as error:  # a database of another version of MLflow
        raise ConfigError(URI, f"{uri} ({one_line(str(error))[:200]})", made_by) from error


def _has_runs(database: Path) -> bool:
    """MLflow would make its tables in any sqlite file that it opens.

    It is opened for writing, where the system allows that: what a killed process has left half written is taken back.
    """
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True)) as reader:
            names = {row[0] for row in reader.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.OperationalError as error:  # it is locked, or must not be read
        raise RunError(f"MLflow at {database}: {one_line(str(error))}") from error
    except sqlite3.DatabaseError:
        return False
    return names >= TABLES


def _is_ours(uri: str) -> bool:
    """The same of a database with a server of its own; of a tracking server nothing is asked yet."""
    with as_run_error(uri):
        return not is_database(uri) or tables_of(uri) >= TABLES


def all_runs(client: MlflowClient, experiments: Sequence[str] | None = None) -> Iterator[Run]:
    """Every run that is not deleted, the latest of each page first; ``experiments`` are ids, by default all."""
    ids = [e.experiment_id for e in client.search_experiments()] if experiments is None else list(experiments)
    token = None
    while True:
        page = client.search_runs(ids, max_results=PAGE, order_by=["attributes.start_time DESC"], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def whole_id(client: MlflowClient, word: str) -> Run | None:
    """The run that has this id, if it is not deleted; the others are not looked at."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(word)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None
