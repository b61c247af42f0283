"""What a run has left behind: its files, and its record in MLflow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from numpy.typing import NDArray
from safetensors.numpy import load_file

Arrays = dict[str, NDArray[Any]]

FILES = {
    "config.yaml",
    "overrides.yaml",
    "environment.json",
    "verdict.json",
    "deviations.parquet",
    "gradients.safetensors",
    "roundings.safetensors",
    "trajectories.safetensors",
    "gradients/scratch.txt",
    "gradients/torch.txt",
    "parameters.safetensors",
    "report.html",
    *(
        f"plots/{name}.png"
        for name in ("loss", "deviations", "heat_map", "roundings", "gradient_norms", "trajectories")
    ),
    "plots/function.png",
}
"""Those of a run of the default network."""

LAYERS = ("input_layer", "hidden_layer_1", "hidden_layer_2")
PARAMETERS = [f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")]
TENSORS = ["loss", "prediction", *PARAMETERS]


def uri(folder: Path, name: str = "outputs/mlflow.db") -> str:
    return f"sqlite:///{folder / name}"


def client(folder: Path, name: str = "outputs/mlflow.db") -> MlflowClient:
    """A reader of the store below ``folder``."""
    return MlflowClient(uri(folder, name))


def runs(reader: MlflowClient) -> list[Run]:
    """Every run of every experiment, the oldest first."""
    experiments = [e.experiment_id for e in reader.search_experiments()]
    return list(reader.search_runs(experiments, order_by=["attributes.start_time ASC"], max_results=1000))


def nested(reader: MlflowClient) -> list[Run]:
    """Every job of every sweep, the oldest first."""
    return [run for run in runs(reader) if "mlflow.parentRunId" in run.data.tags]


def parents(reader: MlflowClient) -> list[Run]:
    """Every sweep."""
    return [run for run in runs(reader) if "sweep" in run.data.tags]


def only_run(reader: MlflowClient) -> Run:
    (found,) = runs(reader)
    return found


def history(reader: MlflowClient, run: Run, key: str) -> dict[int, float]:
    """A metric's value by step; a step that is recorded twice is a fault."""
    found = reader.get_metric_history(run.info.run_id, key)
    values = {metric.step: metric.value for metric in found}
    assert len(values) == len(found), f"{key} has a step twice"
    return values


def artifacts(reader: MlflowClient, run: Run, folder: str = "") -> set[str]:
    """The paths of all artifacts."""
    found = set()
    for entry in reader.list_artifacts(run.info.run_id, folder):
        found |= artifacts(reader, run, entry.path) if entry.is_dir else {entry.path}
    return found


def statuses(database: Path) -> list[str]:
    """The states of all runs, read without disturbing whoever writes; none while there is no store."""
    return [row[0] for row in _rows(database, "select status from runs")]


def count_metrics(database: Path) -> int:
    """How many metric values the store holds by now."""
    return int(next(iter(_rows(database, "select count(*) from metrics")), (0,))[0])


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    if not database.exists():
        return []
    reader = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return reader.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        reader.close()


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Leaves under dotted keys, list places as numbers, as text."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield prefix, str(value)
        return
    for key, item in items:
        yield from flatten(item, f"{prefix}.{key}" if prefix else str(key))


def gradients(run_folder: Path) -> Arrays:
    return dict(load_file(run_folder / "gradients.safetensors"))


def parameters(run_folder: Path) -> Arrays:
    return dict(load_file(run_folder / "parameters.safetensors"))


def deviations(run_folder: Path) -> pd.DataFrame:
    return pd.read_parquet(run_folder / "deviations.parquet")


def check_files(folder: Path) -> None:
    """Whatever is there can be read, and no half of a file is left."""
    assert not list(folder.rglob("*.part*"))
    for path in folder.rglob("*.parquet"):
        pd.read_parquet(path)
    for path in folder.rglob("*.safetensors"):
        load_file(path)
    for path in folder.rglob("*.json"):
        read_json(path)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
