"""Runs that are recorded once, in one store, for all tests of what is done with records."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from runner import check

from .submissions import RIGHT, WITHOUT_FACTOR

SMALL = ("architecture.hidden=[3]", "data.samples=6")
RUNS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "plain": ("scratch", "torch", ("seed=1", "lr=0.02")),
    "again": ("scratch", "torch", ("seed=1", "lr=0.02")),
    "other": ("scratch", "torch", ("seed=2",)),
    "wider": ("scratch", "torch", ("architecture.hidden=[5]",)),
    "double": ("scratch", "torch", ("dtype=float64",)),
    "narrow": ("scratch", "torch", ("dtype=bfloat16", "record.every=2")),
    "bare": ("scratch", "torch", ("record.gradients=false",)),
    "free": ("scratch", "torch", ("lockstep=false",)),
    "diverged": ("scratch", "torch", ("lr=1e30",)),
    "own": ("function", "torch", ("backend.function.path=own/my.py:backprop",)),
    "wrong": ("function", "torch", ("backend.function.path=own/wrong.py:backprop", "seed=1")),
    "gone": ("scratch", "torch", ("seed=3",)),
    "deleted": ("scratch", "torch", ("seed=4",)),
}
"""Name -> the two backends and the overrides."""


@dataclass(frozen=True)
class Recorded:
    """One of them: its run folder, its MLflow run and that one's name."""

    folder: str
    run_id: str
    name: str


@dataclass(frozen=True)
class Store:
    """The folder that the runs were started in, the word that names their store, and the runs."""

    place: Path
    word: str
    runs: dict[str, Recorded]

    def __getitem__(self, name: str) -> Recorded:
        return self.runs[name]

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.word.partition("=")[2])


def make_store(place: Path, migrated: Path) -> None:
    """Records all of them, and leaves a note of where."""
    (place / "own").mkdir(parents=True)
    shutil.copy(migrated, place / "store.db")
    (place / "own" / "my.py").write_text(RIGHT, encoding="utf-8")
    (place / "own" / "wrong.py").write_text(WITHOUT_FACTOR, encoding="utf-8")
    word = f"tracking.uri=sqlite:///{place / 'store.db'}"
    runs: dict[str, Recorded] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        store = Store(place, word, {})
        for name, (judged, reference, overrides) in RUNS.items():
            before = set(_ids(store.client)) if runs else set()
            check(judged, *SMALL, *overrides, word, against=reference, record=True)
            (new,) = set(_ids(store.client)) - before
            run = store.client.get_run(new)
            runs[name] = Recorded(run.data.tags["run_folder"], new, run.info.run_name)
        store.client.delete_run(runs["deleted"].run_id)
        (experiment,) = {store.client.get_run(run.run_id).info.experiment_id for run in runs.values()}
        failed = store.client.create_run(experiment, run_name="failed").info.run_id
        store.client.set_terminated(failed, "FAILED")
    Path(runs["gone"].folder).rename(place / "moved")
    note = {name: asdict(run) for name, run in runs.items()}
    (place / "runs.json").write_text(json.dumps(note), encoding="utf-8")


def read_store(place: Path) -> Store:
    note = json.loads((place / "runs.json").read_text(encoding="utf-8"))
    word = f"tracking.uri=sqlite:///{place / 'store.db'}"
    return Store(place, word, {name: Recorded(**run) for name, run in note.items()})


def _ids(client: MlflowClient) -> list[str]:
    experiments = [e.experiment_id for e in client.search_experiments()]
    return [run.info.run_id for run in client.search_runs(experiments, max_results=1000)]
