"""What MLflow's page of a run and of an experiment is made of: description, data, versions, system metrics."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import mlflow.data
import numpy as np
import pytest
import torch
from mlflow.entities import DatasetInput, Run

from runner.records.dataset import digest
from runner.records.description import escaped
from runner.records.mlflow import MlflowRun
from tests.helpers import make_setup

from .conftest import SharedRuns
from .process import ROOT, Finished, run
from .stores import TENSORS, client, history, only_run, read_json, runs, uri

FAULTS = ("--config-dir", str(ROOT / "tests" / "faults" / "conf"))


@pytest.fixture
def plain(shared: SharedRuns) -> Finished:
    return shared.get("plain", "lr=0.05", "seed=1")


@pytest.fixture
def record(plain: Finished) -> Run:
    return only_run(client(plain.folder))


def datasets(record: Run) -> list[DatasetInput]:
    assert record.inputs is not None
    return list(record.inputs.dataset_inputs)


def rows(made: DatasetInput) -> int:
    return int(json.loads(made.dataset.profile or "")["num_rows"])


def test_the_description_says_what_was_found_and_what_runs_it_again(record: Run, plain: Finished) -> None:
    note = record.data.tags["mlflow.note.content"]
    verdict = read_json(plain.run_folder / "verdict.json")
    assert note.splitlines()[0] == f"**{verdict['sentence']}**"
    assert [name for name in TENSORS if f"| {escaped(name)} | " in note] == TENSORS
    assert note.splitlines()[-1] == "    python -m runner lr=0.05 seed=1"


def test_the_description_of_a_mismatch_names_the_cause(place: Path) -> None:
    finished = run(place, *FAULTS, "backend=[missing_slope,torch]", "data.samples=2")
    assert finished.code == 1
    note = only_run(client(place)).data.tags["mlflow.note.content"]
    assert "- cause (slope\\_missing): the factor" in note
    assert "- right: dL/dz = dL/da \\* f'(z)" in note
    assert "| **not ok** |" in note
    assert f"    python -m runner --config-dir {ROOT}" in note


def test_the_tags_say_with_what_it_was_computed(record: Run, plain: Finished) -> None:
    tags, found = record.data.tags, read_json(plain.run_folder / "environment.json")
    assert (tags["backends"], tags["dtype"]) == ("scratch, torch", "float32")
    assert tags["version.torch"] == torch.__version__
    assert (tags["version.numpy"], tags["version.python"]) == (np.__version__, platform.python_version())
    assert tags["host.cpu"] == found["cpu"]
    assert tags.get("mlflow.source.git.commit") == found["commit"]
    assert tags["mlflow.user"] == record.info.user_id
    assert tags["mlflow.user"]


def test_the_data_are_a_dataset_of_the_run(record: Run) -> None:
    setup = make_setup("lr=0.05", "seed=1")
    (made,) = datasets(record)
    assert [(tag.key, tag.value) for tag in made.tags] == [("mlflow.data.context", "training")]
    assert made.dataset.name == "data=uniform target=half_sum_of_squares"
    assert made.dataset.digest == digest(setup.x, setup.y)
    assert rows(made) == 100
    assert mlflow.data.get_source(made).to_dict()["tags"]["data.samples"] == "100"


def test_what_is_held_out_is_a_dataset_of_its_own(place: Path) -> None:
    assert run(place, "data.samples=10", "data.held_out=0.3").code == 0
    found = {made.tags[0].value: rows(made) for made in datasets(only_run(client(place)))}
    assert found == {"training": 7, "held_out": 3}


def test_an_experiment_that_is_made_here_is_described_and_shows_runs(plain: Finished, place: Path) -> None:
    made = client(plain.folder).get_experiment_by_name("runner")
    assert made is not None
    assert made.tags["mlflow.experimentKind"] == "custom_model_development"
    assert "`verdict/precision_roundings`" in made.tags["mlflow.note.content"]
    client(place).create_experiment("theirs", (place / "theirs").as_uri(), {"mlflow.note.content": "mine"})
    assert run(place, "data.samples=2", "tracking.experiment=theirs").code == 0
    kept = client(place).get_experiment_by_name("theirs")
    assert kept is not None
    assert kept.tags["mlflow.note.content"] == "mine"
    assert "mlflow.experimentKind" not in kept.tags


def test_system_metrics_are_recorded_where_they_are_asked_for(record: Run, place: Path) -> None:
    assert not [key for key in record.data.metrics if key.startswith("system/")]
    assert run(place, "data.samples=3", "tracking.system_metrics=true").code == 0
    reader = client(place)
    found = only_run(reader)
    share = history(reader, found, "system/system_memory_usage_percentage")
    assert list(share) == list(range(len(share)))  # one at the end, and more on a slow machine
    assert 0 < share[0] < 100
    assert found.data.metrics["system/process_memory_megabytes"] > 10


@pytest.mark.parametrize(("rows", "tags"), [(0, 0), (3, 0), (3, 150), (950, 150), (2100, 2)])
def test_whatever_is_left_at_the_end_of_a_run_arrives(rows: int, tags: int, place: Path) -> None:
    begun = MlflowRun(uri(place), "runner")
    begun.start("a run", {}, {})
    for step in range(rows // 50):
        begun.log({f"metric_{k}": float(k + step) for k in range(50)}, step)
    begun.log({f"last_{k}": 0.5 for k in range(rows % 50)}, 7)
    wanted = {f"tag_{k}": str(k) for k in range(tags)}
    begun.finish("FINISHED", wanted, place, [])
    reader = client(place)
    (left,) = runs(reader)
    logged = [row for key in left.data.metrics for row in reader.get_metric_history(left.info.run_id, key)]
    assert len({(row.key, row.step) for row in logged}) == len(logged) == rows
    assert {key: value for key, value in left.data.tags.items() if key.startswith("tag_")} == wanted
    assert left.info.status == "FINISHED"
