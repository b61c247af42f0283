"""``record.metrics=summary``: MLflow has the last value of each metric, the run folder all of them."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from .process import run
from .stores import client, history, runs

SHORT = ("data.samples=4", "epochs=2", "record.plots=false", "data.held_out=0.5")


def values(reader: MlflowClient, record: Run) -> dict[str, dict[int, float]]:
    return {key: history(reader, record, key) for key in record.data.metrics}


def test_each_metric_has_its_last_value_alone_and_the_tables_are_the_same(place: Path) -> None:
    for metrics in ("every", "summary"):
        words = (f"record.metrics={metrics}", f"hydra.run.dir={metrics}", "record.model=true", "lockstep=false")
        finished = run(place, *SHORT, *words)
        assert (finished.code, finished.err) == (0, "")
    reader = client(place)
    every, summary = (values(reader, record) for record in runs(reader))
    assert len(every["loss/torch"]) == 4
    assert summary == {key: {max(found): found[max(found)]} for key, found in every.items()}
    for table in ("deviations.parquet", "drift.parquet", "gradients.safetensors"):
        assert (place / "every" / table).read_bytes() == (place / "summary" / table).read_bytes()
    lines = run(place, "runs", "sort=loss").out.splitlines()
    assert len({line.split()[-6] for line in lines if "record.metrics=" in line}) == 1


def test_a_metric_that_is_not_finite_is_told_with_its_first_step(place: Path) -> None:
    words = ("data.samples=6", "record.plots=false", "lr=1e30", "dtype=float32", "architecture.activation=relu")
    for metrics in ("every", "summary"):
        assert run(place, *words, f"record.metrics={metrics}").code == 1
    tags = [
        {key: value for key, value in record.data.tags.items() if key.startswith(("nonfinite.", "verdict"))}
        for record in runs(client(place))
    ]
    assert tags[0]["verdict"] == "diverged"
    assert any(key.startswith("nonfinite.") for key in tags[0])
    assert tags[0] == tags[1]


def test_of_replicas_and_each_of_them_the_last_values_are_logged(place: Path) -> None:
    words = ("replicas=3", "record.replicas=each", "record.metrics=summary", "data.samples=4")
    finished = run(place, *words)
    assert (finished.code, finished.err) == (0, "")
    reader = client(place)
    whole, *each = runs(reader)
    assert list(values(reader, whole)["replicas/loss/torch/median"]) == [3]
    assert [list(values(reader, replica)["loss/torch"]) for replica in each] == [[3]] * 3
