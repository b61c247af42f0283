"""What `python -m runner lr=0.05 seed=1` keeps, and that its numbers fit each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from .conftest import SharedRuns
from .process import Finished
from .recompute import descended, end, error, predict
from .stores import (
    FILES,
    PARAMETERS,
    TENSORS,
    artifacts,
    client,
    deviations,
    flatten,
    gradients,
    history,
    only_run,
    parameters,
    read_json,
    read_yaml,
)

STEPS = list(range(100))
SHAPES = [(10, 2), (10,), (10, 10), (10,), (1, 10), (1,)]


@pytest.fixture
def plain(shared: SharedRuns) -> Finished:
    return shared.get("plain", "lr=0.05", "seed=1")


@pytest.fixture
def folder(plain: Finished) -> Path:
    return plain.run_folder


@pytest.fixture
def reader(plain: Finished) -> MlflowClient:
    return client(plain.folder)


@pytest.fixture
def record(reader: MlflowClient) -> Run:
    return only_run(reader)


def test_one_finished_run_in_the_experiment_of_the_configuration(reader: MlflowClient, record: Run) -> None:
    assert record.info.status == "FINISHED"
    assert reader.get_experiment(record.info.experiment_id).name == "runner"
    assert record.info.start_time <= record.info.end_time


def test_params_are_the_flattened_configuration(record: Run, folder: Path) -> None:
    assert record.data.params == dict(flatten(read_yaml(folder / "config.yaml")))
    expected = {
        "lr": "0.05",
        "seed": "1",
        "epochs": "1",
        "batch_size": "1",
        "dtype": "float32",
        "architecture.hidden.0": "10",
        "architecture.hidden.1": "10",
        "architecture.activation": "sigmoid",
        "data.samples": "100",
        "data.features": "2",
        "tracking.experiment": "runner",
    }
    assert expected.items() <= record.data.params.items()


def test_every_metric_has_its_value_at_every_step(reader: MlflowClient, record: Run) -> None:
    by_step = {f"loss/{backend}" for backend in ("scratch", "torch")}
    by_step |= {f"deviation/{kind}/{tensor}" for kind in ("max_abs", "roundings") for tensor in TENSORS}
    at_the_end = {f"verdict/{name}" for name in ("agree", "logic_roundings", "precision_roundings")}
    at_the_end |= {"verdict/second_looks", "verdict/third_looks"}
    assert set(record.data.metrics) == by_step | at_the_end
    for key in by_step:
        assert sorted(history(reader, record, key)) == STEPS, key
    for key in at_the_end:
        assert len(history(reader, record, key)) == 1, key


def test_tags_hold_the_verdict_and_the_job(record: Run, plain: Finished) -> None:
    tags = record.data.tags
    assert tags["verdict"] == "agree"
    assert "verdict.first_step" not in tags
    assert tags["job_key"].split()[-2:] == ["lr=0.05", "seed=1"]
    assert tags["mlflow.runName"] == "lr=0.05 seed=1"
    assert tags["run_folder"] == str(plain.run_folder)


def test_artifacts_are_the_files_of_the_run_folder(reader: MlflowClient, record: Run, folder: Path) -> None:
    assert artifacts(reader, record) == FILES
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == FILES | {"status.json"}
    for name in FILES:
        copy = Path(reader.download_artifacts(record.info.run_id, name))
        assert copy.read_bytes() == (folder / name).read_bytes(), name


def test_overrides_and_environment_say_how_it_was_made(folder: Path) -> None:
    assert read_yaml(folder / "overrides.yaml") == ["lr=0.05", "seed=1"]
    made_with = read_json(folder / "environment.json")
    assert made_with["threads"] == 1
    assert made_with["packages"]["numpy"] == np.__version__
    assert {"torch", "mlflow"} <= set(made_with["packages"])


def test_gradients_are_kept_for_every_backend_parameter_and_step(folder: Path) -> None:
    found = gradients(folder)
    expected = {
        f"{backend}/{name}": (100, *shape)
        for backend in ("scratch", "torch")
        for name, shape in zip(PARAMETERS, SHAPES, strict=True)
    }
    assert {name: value.shape for name, value in found.items()} == expected
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    assert all((np.abs(value).reshape(100, -1).max(axis=1) > 0).all() for value in found.values())


def test_deviations_of_the_table_and_the_metrics_are_those_of_the_gradients(
    reader: MlflowClient, record: Run, folder: Path
) -> None:
    found, table = gradients(folder), deviations(folder).set_index(["tensor", "step"])
    for name in PARAMETERS:
        apart = found[f"scratch/{name}"].astype(np.float64) - found[f"torch/{name}"].astype(np.float64)
        expected = np.abs(apart).reshape(100, -1).max(axis=1)
        np.testing.assert_array_equal(table.loc[name]["max_abs"].loc[STEPS], expected)
        metric = history(reader, record, f"deviation/max_abs/{name}")
        np.testing.assert_array_equal([metric[step] for step in STEPS], expected)


def test_the_loss_deviates_by_the_difference_of_the_two_losses(reader: MlflowClient, record: Run) -> None:
    ours, torchs = (history(reader, record, f"loss/{backend}") for backend in ("scratch", "torch"))
    metric = history(reader, record, "deviation/max_abs/loss")
    assert metric == {step: abs(ours[step] - torchs[step]) for step in STEPS}


def test_roundings_of_the_metrics_are_those_of_the_table(reader: MlflowClient, record: Run, folder: Path) -> None:
    table = deviations(folder).set_index(["tensor", "step"])
    for name in TENSORS:
        metric = history(reader, record, f"deviation/roundings/{name}")
        np.testing.assert_array_equal([metric[step] for step in STEPS], table.loc[name]["roundings"].loc[STEPS])


def test_the_verdicts_metrics_and_file_summarise_the_table(record: Run, folder: Path) -> None:
    table, document = deviations(folder), read_json(folder / "verdict.json")
    looks = table.groupby("step")[["look", "logic_look"]].max()
    expected = {
        "verdict/agree": 1.0,
        "verdict/logic_roundings": table["logic_roundings"].max(),
        "verdict/precision_roundings": table["roundings"].max(),
        "verdict/second_looks": float((looks.max(axis=1) >= 2).sum()),
        "verdict/third_looks": float((looks["logic_look"] >= 3).sum()),
    }
    assert {key: record.data.metrics[key] for key in expected} == expected
    assert (document["verdict"], document["judged_steps"], document["first"]) == ("agree", 100, None)
    assert [row["tensor"] for row in document["tensors"]] == TENSORS
    largest = table.groupby("tensor")["max_abs"].max()
    assert all(row["max_abs"] == largest[row["tensor"]] and row["ok"] for row in document["tensors"])


def test_the_table_names_who_was_compared_to_whom(folder: Path) -> None:
    table = deviations(folder)
    assert len(table) == 100 * len(TENSORS)
    assert set(table["backend"]) == {"scratch"}
    assert set(table["reference"]) == {"torch"}
    assert set(table["verdict"]) == {"agree"}
    assert (table["worst_value"] - table["worst_reference"]).abs().max() < 1e-5


def test_training_brings_the_network_nearer_to_its_target(reader: MlflowClient, record: Run, folder: Path) -> None:
    for backend in ("scratch", "torch"):
        values = history(reader, record, f"loss/{backend}")
        assert values[99] < values[0]
    assert error(end(folder, "last")) < 0.5 * error(end(folder, "first"))


def test_each_gradient_is_the_slope_of_the_loss(folder: Path) -> None:
    found, first = gradients(folder), end(folder, "first")
    after = descended(folder, 0.05, "torch", steps=1)
    x = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(0,))).uniform(0, 1, (100, 2))[:1]
    y = 0.5 * np.square(x).sum(axis=1, keepdims=True)
    slope = sum(np.square(g[0].astype(np.float64)).sum() for key, g in found.items() if key.startswith("scratch/"))
    falls = float((np.square(predict(first, x) - y) - np.square(predict(after, x) - y)).item())
    assert 0.05 * slope * 0.5 < falls < 0.05 * slope


def test_the_last_parameters_are_the_first_after_plain_descent(folder: Path) -> None:
    kept = parameters(folder)
    assert set(kept) == {f"{end}/{name}" for end in ("first", "last") for name in PARAMETERS}
    for name, expected in descended(folder, 0.05, "torch").items():
        assert not np.array_equal(kept[f"first/{name}"], kept[f"last/{name}"])
        room = 100 * np.finfo(np.float32).eps * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(kept[f"last/{name}"], expected, rtol=0, atol=room)


def test_the_persons_view_holds_the_first_and_last_gradients_to_5_decimals(folder: Path) -> None:
    found = gradients(folder)
    for backend in ("scratch", "torch"):
        numbers = [
            float(word)
            for line in (folder / "gradients" / f"{backend}.txt").read_text(encoding="utf-8").splitlines()
            if line[:1] == " " or line[:1] == "-"
            for word in line.split()
        ]
        expected = [found[f"{backend}/{name}"][step].ravel() for step in (0, -1) for name in PARAMETERS]
        np.testing.assert_allclose(numbers, np.concatenate(expected), rtol=0, atol=0.51e-5)
