"""Databases to be measured: how many rows their tables have, and how large they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

TABLES = ("runs", "params", "tags", "metrics", "latest_metrics", "datasets", "inputs", "input_tags")
"""MLflow's that grow with the runs."""


@dataclass(frozen=True)
class Store:
    """A store of MLflow's and the name of its kind."""

    name: str
    uri: str

    def rows(self) -> dict[str, int]:
        """How many each table has."""
        with self.connected() as connection:
            metadata = sqlalchemy.MetaData()
            metadata.reflect(connection, only=TABLES)
            count = sqlalchemy.func.count
            found = {name: sqlalchemy.select(count()).select_from(metadata.tables[name]) for name in TABLES}
            return {name: int(connection.execute(query).scalar_one()) for name, query in found.items()}

    def size(self) -> int:
        """Bytes of the database, its indexes with it."""
        with self.connected() as connection:
            if connection.dialect.name == "sqlite":
                pages, each = (connection.exec_driver_sql(f"pragma page_{n}").scalar_one() for n in ("count", "size"))
                return int(pages) * int(each)
            return int(connection.exec_driver_sql("select pg_database_size(current_database())").scalar_one())

    @contextmanager
    def connected(self) -> Iterator[sqlalchemy.Connection]:
        """A connection whose changes are kept at its end."""
        engine = sqlalchemy.create_engine(self.uri, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            yield connection


@contextmanager
def stores(folder: Path) -> Iterator[list[Store]]:
    """A new sqlite file and, where PostgreSQL is installed, a new database of a server of its own."""
    from tests.servers.postgres import missing, postgres

    found = [Store("sqlite", f"sqlite:///{folder / 'sqlite' / 'mlflow.db'}")]
    with ExitStack() as stack:
        if not missing():
            server = stack.enter_context(postgres())
            stack.enter_context(server.in_environment())
            found.append(Store("PostgreSQL", server.create("mlflow")))
        yield found
