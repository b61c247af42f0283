"""Sweeps through an engine, and what they leave."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from mlflow.entities import Run

from tests.cli.process import Finished, command, environment, finish, run
from tests.cli.stores import client, nested

SHORT = ("data.samples=5", "record.plots=false")
OWN = Path(__file__).with_name("own.py")
FUNCTION = ("backend=[function,torch]", f"backend.function.path={OWN}:backprop", *SHORT)
BITS = ("gradients.safetensors", "deviations.parquet")


def sweep(place: Path, *words: str, **env: str) -> Finished:
    """A sweep of a process of its own, into the folder ``swept``."""
    return finish(place, command("-m", *words, "hydra.sweep.dir=swept"), environment(**env))


def hashes(folder: Path) -> dict[str, str]:
    """Of a run's folder, what has to be the same to the bit."""
    return {name: sha256((folder / name).read_bytes()).hexdigest() for name in BITS}


def alone(place: Path, seed: int) -> dict[str, str]:
    """The hashes of a run of that seed which no engine has launched."""
    folder = f"alone/{seed}"
    done = run(place, f"seed={seed}", *SHORT, f"hydra.run.dir={folder}")
    assert (done.code, done.err) == (0, "")
    return hashes(place / folder)


def notes(place: Path) -> list[dict[str, Any]]:
    """What each process of a job has noted of itself."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((place / "notes").iterdir())]


def parent(place: Path) -> Run:
    """The sweep's own run in MLflow."""
    run_id = json.loads((place / "swept" / "sweep.json").read_text(encoding="utf-8"))["run_id"]
    return client(place).get_run(run_id)


def verdicts(place: Path) -> dict[str, str]:
    """The verdicts of the jobs that have ended, by the numbers of the jobs; their records are read."""
    found = {}
    for file in sorted((place / "swept").glob("*/verdict.json")):
        assert pq.read_table(file.with_name("deviations.parquet")).num_rows > 0
        found[file.parent.name] = json.loads(file.read_text(encoding="utf-8"))["verdict"]
    return found


def statuses(place: Path) -> dict[str, str]:
    """How the jobs' runs in MLflow have ended, by the widths of their networks."""
    return {run.data.params["architecture.hidden.0"]: run.info.status for run in nested(client(place))}
