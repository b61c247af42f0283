"""The long form: 8 processes that record 50 runs each at once, into a team's server and into one sqlite file.

``python -m tests.servers`` (make team) prints a row of figures a store, and fails where anything is lost or doubled.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.process import Finished, command, environment, finish

from .postgres import missing
from .recording import Recorded, Rows, check, record, sqlite_rows
from .team import credentials, team

PROCESSES, RUNS = 8, 50
SHORT = ("data.samples=10", "record.plots=false")


def main() -> int:
    """Records into both; PostgreSQL has to be installed."""
    if why := missing():
        print(why, file=sys.stderr)
        return 3
    with TemporaryDirectory(prefix="team-") as name:
        folder = Path(name)
        with team(folder) as server:
            artifacts = Path(server.artifacts)
            env = environment(**credentials())
            found = _measured(folder / "served", server.address, env, server.rows, artifacts)
            print(f"mlflow server on PostgreSQL: {found}", flush=True)
        store = folder / "store" / "mlflow.db"
        rows = sqlite_rows(store)
        found = _measured(folder / "in_file", f"sqlite:///{store}", environment(), rows, store.parent / "mlartifacts")
        print(f"one sqlite file, new: {found}")
    return 0


def _measured(folder: Path, uri: str, env: dict[str, str], rows: Rows, artifacts: Path) -> str:
    began = time.monotonic()
    record(folder, PROCESSES, RUNS, (*SHORT, f"tracking.uri={uri}"), env, _run)
    seconds = time.monotonic() - began
    return _told(check(folder, PROCESSES, RUNS, rows, artifacts, "runner"), seconds)


def _run(folder: Path, *words: str, env: dict[str, str]) -> Finished:
    """A process that begins from nothing, and may take as long as the machine needs."""
    return finish(folder, command(*words), env, seconds=3600)


def _told(found: Recorded, seconds: float) -> str:
    return (
        f"{found.runs} runs by {PROCESSES} processes in {seconds:.0f} s, {found.metrics} metric values, "
        f"{found.artifacts} artifacts of {found.size / 1e6:.1f} MB: nothing lost, nothing doubled"
    )


if __name__ == "__main__":
    sys.exit(main())
