"""Debian's PostgreSQL, one of its own for a test: in a private folder, on a free port of loopback, with a password."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from tests.ports import free_port

SAFETY = 120.0
"""Seconds after which a server that does not begin or end is given up."""
USER, PASSWORD = "runner", "pg-Secret-7"
ACCOUNT = "postgres"
"""Whom Debian's package makes; PostgreSQL refuses to be run by root."""


@dataclass(frozen=True)
class Postgres:
    """A server of databases that runs: its port, and the password of its user, who may make databases."""

    port: int
    password: str = PASSWORD

    def create(self, name: str) -> str:
        """The URI of a new, empty database; it names no password, and the driver: SQLAlchemy 2.1 takes another."""
        connection = self._connect("postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'create database "{name}"')
        connection.close()
        return f"postgresql+psycopg2://{USER}@127.0.0.1:{self.port}/{name}"

    def rows(self, database: str, query: str) -> list[tuple[object, ...]]:
        """What a query finds."""
        connection = self._connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                found: list[tuple[object, ...]] = cursor.fetchall()
        finally:
            connection.close()
        return found

    def dump(self, database: str) -> str:
        """All that the database holds, as text."""
        words = [program("pg_dump"), "--host=127.0.0.1", f"--port={self.port}", f"--username={USER}", database]
        env = {**os.environ, "PGPASSWORD": self.password}
        return subprocess.run(words, env=env, capture_output=True, encoding="utf-8", check=True).stdout

    @contextmanager
    def in_environment(self) -> Iterator[None]:
        """The password where PostgreSQL's own library looks for it."""
        os.environ["PGPASSWORD"] = self.password
        try:
            yield
        finally:
            del os.environ["PGPASSWORD"]

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname=database, connect_timeout=10
        )


def missing() -> str:
    """Why there can be no server here; empty where there can be one."""
    if not program("initdb"):
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.getuid() == 0 and not shutil.which("runuser"):
        return "PostgreSQL is not run by root, and there is no runuser to run it as somebody else"
    return ""


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, of the newest version; empty where there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name) or ""


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that answers; it is stopped by its process id, and its folder removed.

    The folder lies in the system's one for temporary files: those of tests are closed to the account that runs it.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, ACCOUNT, ACCOUNT)
        made = [f"--pgdata={folder / 'data'}", f"--username={USER}", f"--pwfile={folder / 'password'}"]
        _run([program("initdb"), *made, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
        server = Postgres(free_port())
        with (folder / "log").open("wb") as log:
            words = [program("postgres"), "-D", str(folder / "data"), "-p", str(server.port)]
            words += ["-h", "127.0.0.1", "-k", str(folder)]
            process = subprocess.Popen(
                _as_account(words), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            _await(server, process, folder / "log")
            yield server
        finally:
            _stop(process, folder / "data" / "postmaster.pid")
    finally:
        shutil.rmtree(folder)


def _as_account(words: list[str]) -> list[str]:
    return ["runuser", "-u", ACCOUNT, "--", *words] if os.getuid() == 0 else words


def _run(words: list[str]) -> None:
    done = subprocess.run(_as_account(words), cwd="/", capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def _await(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SAFETY
    while True:
        try:
            server.rows("postgres", "select 1")
        except psycopg2.OperationalError:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        else:
            return


def _stop(process: subprocess.Popen[bytes], note: Path) -> None:
    """Its own fast end: it waits for no client, and leaves a database that is whole."""
    if note.exists():
        os.kill(int(note.read_text(encoding="utf-8").split()[0]), signal.SIGINT)
    else:
        process.kill()
    process.wait(SAFETY)
