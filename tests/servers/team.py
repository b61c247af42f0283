"""A team's server for tests, as docs/scale/server.md has it: with basic authentication, on PostgreSQL."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from .postgres import PASSWORD, Postgres, postgres
from .tracking import tracking

ADMIN, ADMIN_PASSWORD = "admin", "admin-Secret-1234"
MEMBERS = {"ann": "ann-Secret-567890", "bob": "bob-Secret-567890"}
"""Who records, and with which password."""
QUICK = ("--workers", "1")
AUTH = """\
[mlflow]
default_permission = EDIT
grant_default_workspace_access = true
database_uri = {uri}
auth_cache_ttl_seconds = 60
"""


@dataclass(frozen=True)
class Team:
    """The server's address, its folder of artifacts, and the port of its database."""

    address: str
    artifacts: str
    port: int

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.port)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What a query finds in MLflow's database."""
        return self.postgres.rows("mlflow", query)


def credentials(name: str = "ann") -> dict[str, str]:
    """What a member's environment has."""
    return {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": MEMBERS[name]}


def secrets() -> list[str]:
    """Every password there is."""
    return [PASSWORD, ADMIN_PASSWORD, *MEMBERS.values()]


@contextmanager
def team(folder: Path, *options: str) -> Iterator[Team]:
    """A server whose members may all record, stopped at the end; ``options`` are for ``mlflow server``."""
    with postgres() as database:
        store, ini = database.create("mlflow"), folder / "auth.ini"
        ini.write_text(AUTH.format(uri=database.create("mlflow_auth")), encoding="utf-8")
        env = {
            "PGPASSWORD": PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "any text, the same for all workers",
            "MLFLOW_AUTH_CONFIG_PATH": str(ini),
            "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
            "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORD,
        }
        with tracking(folder / "server", store, env, "--app-name", "basic-auth", *options) as address:
            for name, password in MEMBERS.items():
                _post(f"{address}/api/2.0/mlflow/users/create", {"username": name, "password": password})
            yield Team(address, str(folder / "server" / "artifacts"), database.port)


def _post(url: str, document: dict[str, str]) -> None:
    """Asks the server as its administrator."""
    word = b64encode(f"{ADMIN}:{ADMIN_PASSWORD}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {word}"}
    with urlopen(Request(url, json.dumps(document).encode(), headers), timeout=60) as reply:
        assert reply.status == 200


def as_json(found: Team) -> str:
    return json.dumps(asdict(found))
