"""`python -m benchmarks.floor FOLDER COUNT`: what a run's records cost at the least, as a script of their own.

FOLDER holds ``floor.pickle``, what a run has left in MLflow, where it lies and how it is set up. COUNT runs with the
same records are made in the same store, and the seconds of each printed; 0 makes one and draws the run's plots besides.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from runner.assemble import Setup

T = TypeVar("T")

LIBRARIES = ("hydra.main", "pyarrow.parquet", "rich.table", "safetensors.numpy", "torch", "torch._dynamo")
"""Those of a run, but for MLflow, and what the plots import; an optimizer of torch imports the last."""
NOTE = "floor.pickle"
BATCH, FEW = 1000, 100
"""Metrics, and parameters or tags, that MLflow takes in one call."""


@dataclass(frozen=True)
class Left:
    """All that one run has left in MLflow; its plots are drawn of its folder and ``setup``."""

    uri: str
    experiment: str
    params: list[Param]
    tags: dict[str, str]
    metrics: list[Metric]
    artifacts: list[Path]
    folder: Path
    setup: Setup | None


def log(left: Left) -> None:
    """One run with these records, in as few calls as MLflow's client takes them."""
    client = MlflowClient(left.uri)
    experiment = client.get_experiment_by_name(left.experiment)
    assert experiment is not None
    run_id = client.create_run(experiment.experiment_id, tags=left.tags).info.run_id
    for few in _parts(left.params, FEW):
        client.log_batch(run_id, params=few)
    for rows in _parts(left.metrics, BATCH):
        client.log_batch(run_id, metrics=rows)
    for file in left.artifacts:
        below = file.parent.relative_to(left.folder).as_posix()
        client.log_artifact(run_id, str(file), None if below == "." else below)
    client.set_terminated(run_id)


def _parts(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _whole(left: Left) -> None:
    """With the libraries of a run, and its plots."""
    for name in LIBRARIES:
        import_module(name)
    from runner.records.plots import draw_plots
    from runner.records.reading import read_run

    log(left)
    draw_plots(read_run(left.folder), left.setup, svg=False)


def main(folder: str, count: str) -> None:
    """Prints the seconds that each of the runs took, after a first one; or makes one with all that belongs to it."""
    left: Left = pickle.loads(Path(folder, NOTE).read_bytes())  # noqa: S301
    if not int(count):
        _whole(left)
        return
    log(left)
    begun = time.perf_counter()
    for _ in range(int(count)):
        log(left)
    print((time.perf_counter() - begun) / int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
