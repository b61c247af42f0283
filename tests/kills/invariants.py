"""What holds of a sweep that came to its end, whatever happened on the way. It knows nothing of the program's code.

python -m tests.kills.invariants STORE SWEEP_FOLDER reads the store and the disk alone, and prints what does not hold.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from safetensors.numpy import load_file

NOT_COPIED = ("status.json",)
OF_THE_SWEEP = ("sweep.parquet", "sweep.csv", "summary.csv", "sweep.png", "optimization_results.yaml")
LEFT = ("*.part", "*.parts", "*.lock")
"""What nothing that has ended leaves in its folder."""


def findings(store: str, folder: Path) -> list[str]:
    """What does not hold of the sweep in ``folder``, a line each."""
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    client = MlflowClient(store)
    found = [f"{path} is left" for pattern in LEFT for path in folder.rglob(pattern)]
    if store.startswith("sqlite"):
        with closing(sqlite3.connect(store.partition(":///")[2])) as base:
            said = base.execute("pragma integrity_check").fetchall()
            found += [] if said == [("ok",)] else [f"the database: {said}"]
    sweep = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    runs = _all_runs(client)
    found += [f"run {run.info.run_id} is RUNNING" for run in runs if run.info.status == "RUNNING"]
    found += _of_parent(client, folder, sweep)
    for number, overrides in sweep["jobs"].items():
        words = f"job {number}: "
        found += [words + text for text in _of_job(client, folder / number, sweep["run_id"], overrides, runs)]
    return found


def _all_runs(client: MlflowClient) -> list[Run]:
    found: list[Run] = []
    token = None
    while True:
        experiments = [e.experiment_id for e in client.search_experiments()]
        page = client.search_runs(experiments, max_results=500, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _of_parent(client: MlflowClient, folder: Path, sweep: dict[str, Any]) -> Iterator[str]:
    run = client.get_run(sweep["run_id"])
    if run.info.status != "FINISHED":
        yield f"the sweep's run is {run.info.status}"
    files = [folder / name for name in OF_THE_SWEEP if (folder / name).exists()]
    yield from _copies(client, run, folder, files)
    numbers = {int(number) for number in sweep["jobs"]}
    if sorted(pd.read_csv(folder / "sweep.csv")["job"]) != sorted(numbers):
        yield "sweep.csv has other jobs"
    if set(pd.read_parquet(folder / "sweep.parquet")["job"]) != numbers:
        yield "sweep.parquet has other jobs"
    for key in run.data.metrics:
        counts = Counter((m.step, m.value) for m in client.get_metric_history(run.info.run_id, key))
        if max(counts.values()) > 1:
            yield f"metric {key} of the sweep is there twice"
        if key.startswith("job/") and {step for step, _ in counts} != numbers:
            yield f"metric {key} of the sweep has steps {sorted(counts)}"


def _of_job(client: MlflowClient, folder: Path, sweep: str, overrides: list[str], runs: list[Run]) -> Iterator[str]:
    key = " ".join([folder.parent.name, *sorted(overrides)])
    own = {"job_key": key, "run_folder": str(folder.absolute())}  # another folder's sweep may have the same name
    ended = [run for run in runs if own.items() <= run.data.tags.items() and run.info.status == "FINISHED"]
    if len(ended) != 1:
        yield f"{len(ended)} runs are FINISHED"
        return
    (run,) = ended
    if not (folder / "status.json").is_file():
        yield "no status"
        return
    status = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    wanted = {"run_id": run.info.run_id, "sweep": sweep, "overrides": overrides, "verdict": run.data.tags["verdict"]}
    yield from (f"status.json has another {name}" for name, value in wanted.items() if status.get(name) != value)
    if status["status"] != (0 if status["verdict"] == "agree" else 1):
        yield f"status {status['status']} of {status['verdict']}"
    if run.data.tags.get("mlflow.parentRunId") != sweep:
        yield "not nested in its sweep"
    if not run.info.end_time:
        yield "no end"
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_COPIED]
    yield from _copies(client, run, folder, files)
    yield from _numbers(client, run, folder)


def _copies(client: MlflowClient, run: Run, folder: Path, files: list[Path]) -> Iterator[str]:
    """MLflow has the same files, with the same bytes."""
    with TemporaryDirectory() as temporary:
        into = Path(client.download_artifacts(run.info.run_id, "", temporary))
        theirs = {str(p.relative_to(into)): _digest(p) for p in into.rglob("*") if p.is_file()}
    ours = {str(path.relative_to(folder)): _digest(path) for path in files}
    yield from (
        f"{name} is not the same in MLflow"
        for name in ours.keys() | theirs.keys()
        if ours.get(name) != theirs.get(name)
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _numbers(client: MlflowClient, run: Run, folder: Path) -> Iterator[str]:
    """Tables, gradients and metrics have each step once, and say the same."""
    table = pd.read_parquet(folder / "deviations.parquet")
    steps = sorted(set(table["step"]))
    if table.duplicated(["step", "backend", "tensor"]).any() or len(table) % len(steps):
        yield "deviations.parquet has not each tensor of each step once"
    gradients = load_file(folder / "gradients.safetensors")
    load_file(folder / "parameters.safetensors")
    if {len(values) for values in gradients.values()} != {len(steps)}:
        yield f"gradients.safetensors has not the {len(steps)} steps of the table"
    for name in {key.partition("/")[0] for key in gradients}:
        if _logged(client, run, f"loss/{name}").keys() != set(steps):
            yield f"loss/{name} has other steps"
    largest = table.groupby(["tensor", "step"])["max_abs"].max()
    for tensor in set(table["tensor"]):
        if _logged(client, run, f"deviation/max_abs/{tensor}") != largest[tensor].to_dict():
            yield f"deviation/max_abs/{tensor} is not that of the table"
    verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    if verdict["verdict"] != run.data.tags["verdict"]:
        yield "verdict.json has another verdict"


def _logged(client: MlflowClient, run: Run, key: str) -> dict[int, float]:
    """The metric by step; nothing where a step is there twice."""
    found = [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]
    return dict(found) if len(dict(found)) == len(found) else {}


def main() -> int:
    store, folder = sys.argv[1:]
    found = findings(store, Path(folder))
    print("\n".join(found) if found else "all invariants hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
