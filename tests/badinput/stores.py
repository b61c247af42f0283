"""Places for the records that are none: URIs that mean nothing, and databases that are damaged."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from .data_files import fifo
from .rows import Files, Make, Refused

PAGE = 4096


def cut(store: Path, part: int) -> Make:
    """The store's first ``part`` per cent."""
    return lambda path: _written(path, store.read_bytes()[: store.stat().st_size * part // 100])


def zeroed(store: Path, table: str) -> Make:
    """The store with a page of zeros where a table begins."""

    def make(path: Path) -> None:
        with closing(sqlite3.connect(store)) as database:
            (root,) = database.execute("select rootpage from sqlite_master where name = ?", [table]).fetchone()
        content = bytearray(store.read_bytes())
        content[(root - 1) * PAGE : root * PAGE] = bytes(PAGE)
        _written(path, content)

    return make


def of_version(store: Path, version: str) -> Make:
    """The store as another MLflow has made it."""

    def make(path: Path) -> None:
        shutil.copy(store, path)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("update alembic_version set version_num = ?", [version])

    return make


def foreign(path: Path) -> None:
    """A database of somebody else's."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table accounts (a text)")


def _written(path: Path, content: bytes | bytearray) -> None:
    path.write_bytes(content)


def files(store: Path) -> Files:
    """``store`` is one that MLflow has migrated."""
    return {
        "text.db": "hello\n",
        "folder.db/a": "",
        "pipe.db": fifo,
        "foreign.db": foreign,
        "newer.db": of_version(store, "ffffffffffff"),
        "header.db": b"SQLite format 3\x00",
        **{f"cut{part}.db": cut(store, part) for part in (1, 30, 70)},
        "zeros.db": bytes(store.stat().st_size),
        **{f"no_{table}.db": zeroed(store, table) for table in ("runs", "experiments", "alembic_version")},
    }


URIS: dict[str, str] = {
    "nothing": "sqlite",
    "://": "sqlite",
    "sqlite": "sqlite",
    "sqlite:": "sqlite",
    "sqlite://": "sqlite:///PATH",
    "sqlite:///": "sqlite:///PATH",
    "sqlite+aiosqlite:///x.db": "sqlite",
    "sqlite:///folder.db": "no sqlite file",
    "sqlite:///text.db": "no sqlite file",
    "sqlite:///pipe.db": "no sqlite file",
    "sqlite:///zeros.db": "no sqlite file",
    "sqlite:///text.db/x.db": "is a file",
    "file:///tmp": "sqlite",
    "databricks": "sqlite",
    "s3://bucket/x": "sqlite",
    "http:///x": "allowed",
    "https://": "allowed",
    "'http://[::1'": "allowed",
    "http://127.0.0.1:0x50": "allowed",
    "http://127.0.0.1:70000": "allowed",
    "postgresql://": "allowed",
    "sqlite:///foreign.db": "another program",
    "sqlite:///header.db": "damaged",
    **{f"sqlite:///cut{part}.db": "damaged" for part in (1, 30, 70)},
    "sqlite:///" + "x" * 300 + ".db": "too long",
    "mssql://127.0.0.1:1/x": "pyodbc",
}
UNREACHABLE = ("postgresql+nothing://127.0.0.1:1/x", "sqlite:////proc/x/y.db")
LATER = ("newer", "no_runs", "no_experiments", "no_alembic_version")
ROWS = [
    *(Refused([f"tracking.uri={uri}"], "tracking.uri", word) for uri, word in URIS.items()),
    *(Refused([f"tracking.uri={uri}"], "MLflow at", uri.removeprefix("sqlite:///"), 3) for uri in UNREACHABLE),
    *(Refused([f"tracking.uri=sqlite:///{name}.db"], "MLflow at", name, 3) for name in LATER),
]
"""What is told later, of a run that has begun, ends it with 3."""
