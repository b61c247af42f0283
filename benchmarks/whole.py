"""What whole runs take, as processes of their own, against what their records alone cost."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Param

from benchmarks.floor import NOTE, Left
from benchmarks.timing import Line, medians, ratio
from runner.assemble import assemble
from runner.catalog import Catalog
from runner.compose import compose_config
from runner.paths import CONF

ROUNDS = 7
SHORT = ("data.samples=10", "record.plots=false", "record.gradients=false")
FEW, MANY = 10, 30
"""Jobs of the sweeps whose difference is what a job takes, without what it takes to begin and to end a sweep."""


def default_run() -> Iterator[Line]:
    """A run without an override, in a folder with a store."""
    with TemporaryDirectory(prefix="default-") as name:
        folder = Path(name)
        _recorded(folder)
        times = np.array([[_seconds(folder, "runner"), _floor(folder)] for _ in range(ROUNDS)])
    figures = dict(zip(("run", "floor"), medians(times), strict=True))
    yield Line("default run", {"over its records alone": ratio(*times.T)}, figures)


def short_jobs() -> Iterator[Line]:
    """A job of ten judged steps by both backends, one of many in a sweep."""
    with TemporaryDirectory(prefix="short-") as name:
        folder = Path(name)
        _recorded(folder, *SHORT)
        times = np.array([[_job(folder), _logged(folder)] for _ in range(ROUNDS)])
    figures = dict(zip(("job", "floor"), medians(times), strict=True))
    yield Line("job of a sweep", {"over its records alone": ratio(*times.T)}, figures)


def _recorded(folder: Path, *overrides: str) -> None:
    """Makes a run and its store, and notes what it left there."""
    _seconds(folder, "runner", *overrides)
    uri = f"sqlite:///{folder}/outputs/mlflow.db"
    client = MlflowClient(uri)
    (experiment,) = (found for found in client.search_experiments() if found.name != "Default")
    (run,) = client.search_runs([experiment.experiment_id])
    (place,) = (folder / "outputs" / "runs").glob("*/*")
    left = Left(
        uri=uri,
        experiment=experiment.name,
        params=[Param(key, value) for key, value in run.data.params.items()],
        tags=run.data.tags,
        metrics=[row for key in run.data.metrics for row in client.get_metric_history(run.info.run_id, key)],
        artifacts=[file for file in place.rglob("*") if file.is_file() and file.name != "status.json"],
        folder=place,
        setup=assemble(compose_config(overrides), Catalog()),
    )
    (folder / NOTE).write_bytes(pickle.dumps(left))


def _job(folder: Path) -> float:
    """Seconds of a job."""
    few, many = (_seconds(folder, "runner", "-m", *SHORT, f"seed=range(0,{jobs})") for jobs in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _floor(folder: Path) -> float:
    return _seconds(folder, "benchmarks.floor", str(folder), "0")


def _logged(folder: Path) -> float:
    """Seconds of one run's records, of several in one process."""
    return float(_printed(folder, "benchmarks.floor", str(folder), str(MANY - FEW)))


def _seconds(folder: Path, *words: str) -> float:
    begun = time.perf_counter()
    _printed(folder, *words)
    return time.perf_counter() - begun


def _printed(folder: Path, *words: str) -> str:
    """What a module prints that runs in ``folder``."""
    paths = filter(None, [str(CONF.parent), os.environ.get("PYTHONPATH")])
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True).stdout
