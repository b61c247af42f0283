"""Many replicas on the command line: one folder, one MLflow run, the counts, and the worst one alone."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from .conftest import SharedRuns
from .process import Finished, environment, run
from .stores import TENSORS, client, history, nested, only_run, read_json, runs

SOMETIMES = '''
"""A factor too much wherever the first feature of the first sample is above 0.9."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from runner.backends.base import BackendChoice
from runner.backends.scratch import ScratchBackend


@dataclass(frozen=True, kw_only=True)
class Sometimes(BackendChoice):
    stacks: ClassVar[bool] = True

    def make(self, name, problem, dtype):
        return Scaling(name, problem, dtype)

    def make_stacked(self, name, problem, dtype, replicas):
        return Scaling(name, problem, dtype, replicas=(replicas,))


class Scaling(ScratchBackend):
    def step(self, x, y, *, draws, training=True):
        step = super().step(x, y, draws=draws, training=training)
        wrong = step.gradients["hidden_layer_1.weight"]
        wrong *= np.where(x[..., :1, :1] > 0.9, 2, 1)
        return step
'''
FILES = {
    "config.yaml",
    "overrides.yaml",
    "environment.json",
    "verdict.json",
    "replicas.csv",
    "replicas.parquet",
    "gradients.safetensors",
    "parameters.safetensors",
}
REPLICAS = ("replicas=3", "data.samples=3")


def furnish_sometimes(folder: Path) -> None:
    (folder / "sometimes.py").write_text(SOMETIMES, encoding="utf-8")
    own = folder / "own" / "backend" / "sometimes.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package backend.sometimes\n# A factor too much.\n_target_: sometimes.Sometimes\n")


@pytest.fixture
def right(shared: SharedRuns) -> Finished:
    return shared.get("replicas", *REPLICAS)


@pytest.fixture
def wrong(shared: SharedRuns, common: Path) -> Finished:
    args = ("--config-dir", "own", "backend=[sometimes,torch]", "replicas=3", "seed=1", "data.samples=3")
    env = environment(common / "wrong_replicas")
    return shared.get("wrong_replicas", *args, prepare=furnish_sometimes, env=env)


def rows(finished: Finished) -> list[dict[str, str]]:
    with (finished.run_folder / "replicas.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_where_all_agree_it_ends_with_0_and_tells_how_many(right: Finished) -> None:
    assert (right.code, right.err) == (0, "")
    assert "\n3 of 3 replicas agree\n" in right.out
    assert {file.name for file in right.run_folder.iterdir()} == FILES | {"status.json"}
    assert read_json(right.run_folder / "status.json")["status"] == 0


def test_every_replica_has_a_row_and_every_step_and_tensor_of_it(right: Finished) -> None:
    assert [row["seed"] for row in rows(right)] == ["1", "2", "3"]
    assert {row["verdict"] for row in rows(right)} == {"agree"}
    table = pd.read_parquet(right.run_folder / "replicas.parquet")
    found = table[["seed", "step", "tensor"]].itertuples(index=False, name=None)
    assert sorted(found) == sorted((seed, step, t) for seed in (1, 2, 3) for step in range(3) for t in TENSORS)
    worst = table.groupby("seed")["roundings"].max()
    for row in rows(right):
        assert float(row["precision_roundings"]) == worst[int(row["seed"])]
    assert (table["verdict"] == "agree").all()
    assert (table["logic_roundings"] <= 30).all()


def test_gradients_and_parameters_have_an_axis_of_replicas(right: Finished) -> None:
    gradients = load_file(right.run_folder / "gradients.safetensors")
    assert gradients["torch/hidden_layer_1.weight"].shape == (3, 3, 10, 10)
    parameters = load_file(right.run_folder / "parameters.safetensors")
    first, last = (parameters[f"{which}/input_layer.bias"] for which in ("first", "last"))
    steps = gradients["torch/input_layer.bias"].sum(axis=0)
    np.testing.assert_allclose(last, first - 0.05 * steps, rtol=1e-5, atol=1e-7)


def test_mlflow_has_one_run_with_counts_and_quantiles(right: Finished) -> None:
    reader = client(right.folder)
    record = only_run(reader)
    assert record.info.status == "FINISHED"
    assert record.data.tags["verdict"] == "agree"
    assert (record.data.metrics["replicas/count"], record.data.metrics["replicas/agree"]) == (3, 3)
    last = [float(row["last_loss/torch"]) for row in rows(right)]
    assert record.data.metrics["replicas/last_loss/torch/median"] == pytest.approx(np.median(last))
    assert len(history(reader, record, "replicas/loss/torch/median")) == 3


def test_a_wrong_replica_ends_it_with_1_and_is_named_with_its_place(wrong: Finished) -> None:
    assert (wrong.code, wrong.err) == (1, "")
    assert "\n2 of 3 replicas agree; 1 mismatch\n" in wrong.out
    found = "\nthe worst: seed 2: mismatch: the formula is wrong; first at step 0 in hidden_layer_1.weight["
    assert found in wrong.out
    seconds = [(row["verdict"], row["first_step"], row["first_tensor"]) for row in rows(wrong)]
    assert seconds[1] == ("mismatch", "0", "hidden_layer_1.weight")
    assert seconds[0] == seconds[2] == ("agree", "", "")
    document = read_json(wrong.run_folder / "verdict.json")
    assert (document["verdict"], document["counts"]) == ("mismatch", {"agree": 2, "mismatch": 1})
    assert document["worst"]["seed"] == 2


def test_the_command_that_runs_the_worst_replica_alone_keeps_all_else_that_was_typed(wrong: Finished) -> None:
    command = "python -m runner --config-dir own 'backend=[sometimes,torch]' data.samples=3 seed=2 replicas=1"
    assert f"\nworst alone  {command}\n" in wrong.out
    assert read_json(wrong.run_folder / "verdict.json")["worst"]["command"] == command


RATES = ("lrs=[0.01,0.05]", "replicas=2", "data.samples=3", "record.replicas=each")


@pytest.fixture
def rates(shared: SharedRuns) -> Finished:
    return shared.get("rates_of_replicas", *RATES)


def test_every_seed_is_trained_with_every_learning_rate(rates: Finished) -> None:
    assert (rates.code, rates.err) == (0, "")
    assert "\n4 replicas, seeds 1 to 2, each with lr 0.01, 0.05\n" in rates.out
    pairs = [(row["lr"], row["seed"]) for row in rows(rates)]
    assert pairs == [("0.01", "1"), ("0.01", "2"), ("0.05", "1"), ("0.05", "2")]
    table = pd.read_parquet(rates.run_folder / "replicas.parquet")
    assert set(table[["lr", "seed"]].itertuples(index=False, name=None)) == {(float(lr), int(s)) for lr, s in pairs}
    steps = load_file(rates.run_folder / "gradients.safetensors")["torch/input_layer.bias"].sum(axis=0)
    parameters = load_file(rates.run_folder / "parameters.safetensors")
    moved = parameters["first/input_layer.bias"] - parameters["last/input_layer.bias"]
    lr = np.array([[float(row["lr"])] for row in rows(rates)])
    np.testing.assert_allclose(moved, lr * steps, rtol=1e-4, atol=1e-7)


def test_the_worst_is_named_with_its_learning_rate(rates: Finished) -> None:
    worst = read_json(rates.run_folder / "verdict.json")["worst"]
    command = f"data.samples=3 record.replicas=each seed={worst['seed']} replicas=1 lr={worst['lr']} lrs=null\n"
    assert f"\nthe worst: lr {worst['lr']} seed {worst['seed']}: " in rates.out
    assert f"\nworst alone  python -m runner {command}" in rates.out


def test_each_replica_may_have_a_run_in_mlflow_below_that_of_all(rates: Finished) -> None:
    reader = client(rates.folder)
    (parent,) = (found for found in runs(reader) if "mlflow.parentRunId" not in found.data.tags)
    each = sorted(nested(reader), key=lambda found: int(found.data.tags["replica"]))
    assert {found.data.tags["mlflow.parentRunId"] for found in each} == {parent.info.run_id}
    assert {found.info.status for found in each} == {"FINISHED"}
    for found, row in zip(each, rows(rates), strict=True):
        assert found.data.params == {"seed": row["seed"], "lr": row["lr"]}
        assert found.info.run_name == f"lr {row['lr']} seed {row['seed']}"
        assert found.data.tags["verdict"] == row["verdict"]
        losses = history(reader, found, "loss/torch")
        assert (losses[0], losses[2]) == (float(row["first_loss/torch"]), float(row["last_loss/torch"]))
        assert found.data.metrics["verdict/precision_roundings"] == float(row["precision_roundings"])
    assert "lr" not in parent.data.params, "no replica has it"
    assert parent.data.params["lrs.1"] == "0.05"


def test_a_replica_that_is_named_is_told_as_one_with_the_command_that_runs_it(rates: Finished) -> None:
    found = run(rates.folder, "report", "lr 0.01 seed 2")
    assert (found.code, found.out) == (2, "")
    assert "which is one of many replicas; allowed: a run of its own, as by: python -m runner " in found.err
    assert found.err.endswith(" seed=2 replicas=1 lr=0.01 lrs=null\n")


def test_a_sweep_is_told_the_median_losses_of_each_jobs_replicas(place: Path) -> None:
    swept = run(place, "-m", *REPLICAS, "lr=0.01,0.05")
    assert (swept.code, swept.err) == (0, "")
    assert "\nbest job " in swept.out
    with next((place / "outputs" / "sweeps").rglob("sweep.csv")).open(encoding="utf-8") as file:
        jobs = list(csv.DictReader(file))
    for job in jobs:
        with (place / job["folder"] / "replicas.csv").open(encoding="utf-8") as file:
            replicas = list(csv.DictReader(file))
        for column in ("first_loss/scratch", "last_loss/scratch", "first_loss/torch", "last_loss/torch"):
            assert float(job[column]) == pytest.approx(np.median([float(row[column]) for row in replicas]))


def test_a_command_about_one_run_names_what_it_got(right: Finished) -> None:
    found = run(right.folder, "report", str(right.run_folder))
    assert (found.code, found.out) == (2, "")
    assert "has 3 replicas" in found.err
    assert len(found.err.splitlines()) == 1
