"""A store that is a database: reached once before MLflow does, and, to be made, by one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import ConfigError
from runner.records.reaching import may_pass

if TYPE_CHECKING:
    from sqlalchemy import Connection

SECONDS = "10"
"""How long PostgreSQL's library waits for a server, unless the user has said otherwise."""
LOCK = 20_431
"""The number of the advisory lock: any, the same for all processes of this program."""


def is_database(uri: str) -> bool:
    """Whether the store is a database that is no file."""
    return not uri.startswith(("sqlite", "http"))


@contextmanager
def reached(uri: str) -> Iterator[Connection]:
    """A connection to the database: what does not pass, such as a wrong password, MLflow itself would try for minutes.

    Raises:
        ConfigError: The Python package that reaches it is not installed.
        SQLAlchemyError: It cannot be reached.
    """
    import sqlalchemy

    os.environ.setdefault("PGCONNECT_TIMEOUT", SECONDS)
    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    except ModuleNotFoundError as error:
        words = f"{uri}, for which the Python module {error.name} is not installed"
        raise ConfigError("tracking.uri", words, "a store whose driver is installed") from error
    with engine.connect() as connection:
        yield connection


def check_file(uri: str) -> None:
    """Opens a database that is a file, which is made if it is not there.

    Raises:
        SQLAlchemyError: It cannot be opened, and that will not pass; one that is locked is taken.
    """
    from sqlalchemy.exc import OperationalError

    try:
        with reached(uri) as connection:
            connection.exec_driver_sql("pragma schema_version")
    except OperationalError as error:
        if not may_pass(error):
            raise


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """A block that one process at a time is in: making a new store fails for all but one that do it at once.

    Raises:
        SQLAlchemyError: The database cannot be reached.
    """
    from sqlalchemy import text

    with reached(uri) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_lock(:number)"), {"number": LOCK})
        yield


def tables_of(uri: str) -> set[str]:
    """The names of the tables that there are.

    Raises:
        SQLAlchemyError: The database cannot be reached.
    """
    import sqlalchemy

    with reached(uri) as connection:
        return set(sqlalchemy.inspect(connection).get_table_names())
