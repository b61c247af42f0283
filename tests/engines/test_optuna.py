"""`hydra/sweeper=optuna`: a search for what `objective` names."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.cli.process import run, tree
from tests.cli.stores import client, nested, runs, uri
from tests.engines.sweeps import SHORT, parent
from tests.kills.invariants import findings

OPTUNA = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.sampler.seed=1", "hydra.sweep.dir=swept")
TWO = ("hydra.sweeper.n_trials=2", "hydra.sweeper.n_jobs=1")
"""One after the other, at 0.42 and at 0.72 of what is searched."""
DRIFT = ("hydra.sweeper.direction=maximize", "objective=drift", "lockstep=false")


def test_the_largest_drift_is_what_the_search_ends_with(place: Path) -> None:
    done = run(place, *OPTUNA, *DRIFT, "hydra.sweeper.n_trials=4", "lr=tag(log,interval(0.01,1))", *SHORT)
    assert done.code == 0, done.err
    assert "4 of 4 jobs agree" in done.out
    table = pd.read_csv(place / "swept" / "sweep.csv")
    assert list(table["job"]) == [0, 1, 2, 3]  # two batches of two
    assert table["lr"].nunique() == 4
    best = table.iloc[int(table["drift"].argmax())]
    found = yaml.safe_load((place / "swept" / "optimization_results.yaml").read_text(encoding="utf-8"))
    assert found["best_value"] == pytest.approx(best["drift"], rel=1e-15)
    assert found["best_params"] == {"lr": best["lr"]}
    assert f"optimum      {best['drift']:.6g} (lr={best['lr']})" in done.out
    reader, sweep = client(place), parent(place)
    assert sweep.info.status == "FINISHED"
    assert sweep.data.tags["optimum"].startswith(f"{best['drift']:.6g}")
    assert "optimization_results.yaml" in [file.path for file in reader.list_artifacts(sweep.info.run_id)]
    recorded = {run.data.params["lr"]: run.data.metrics["drift/roundings/scratch"] for run in nested(reader)}
    assert max(recorded.values()) == pytest.approx(best["drift"], rel=1e-15)


@pytest.mark.parametrize(
    ("objective", "column"), [("logic_roundings", "logic_roundings"), ("last_loss", "last_loss/torch")]
)
def test_other_objectives_are_the_columns_of_the_sweep(objective: str, column: str, place: Path) -> None:
    words = ("hydra.sweeper.n_trials=2", f"objective={objective}", "lr=interval(0.01,0.1)")
    assert run(place, *OPTUNA, *words, *SHORT).code == 0
    found = yaml.safe_load((place / "swept" / "optimization_results.yaml").read_text(encoding="utf-8"))
    assert found["best_value"] == pytest.approx(pd.read_csv(place / "swept" / "sweep.csv")[column].min(), rel=1e-15)


def test_a_run_that_diverged_is_never_the_optimum(place: Path) -> None:
    """Its last loss is infinite; its drift is a number, but of a run that was broken off."""
    words = ("hydra.sweeper.direction=maximize", "lockstep=false", "lr=tag(log,interval(1e-11,1e15))")
    for objective in ("last_loss", "drift"):
        done = run(place, *OPTUNA, *TWO, *words, f"objective={objective}", *SHORT)
        assert done.code == 1
        assert "1 of 2 jobs agree" in done.out
        found = yaml.safe_load((place / "swept" / "optimization_results.yaml").read_text(encoding="utf-8"))
        assert found["best_params"]["lr"] < 1
        assert math.isfinite(found["best_value"])


def test_a_search_in_which_every_job_diverged_has_no_optimum(place: Path) -> None:
    done = run(place, *OPTUNA, "hydra.sweeper.n_trials=2", "objective=last_loss", "lr=interval(1e29,1e30)", *SHORT)
    assert done.code == 1
    assert done.err.splitlines()[-1] == "runner: hydra/sweeper: no optimum: no job of 2 has come to a finite figure"
    assert "optimum" not in done.out
    assert parent(place).info.status == "FINISHED"
    assert not (place / "swept" / "optimization_results.yaml").exists()


def test_a_search_is_resumed_with_as_many_trials_or_more(place: Path) -> None:
    words = (*OPTUNA, "lr=interval(0.01,0.1)", *SHORT)
    assert run(place, *words, "hydra.sweeper.n_trials=4").code == 0
    before = (place / "swept" / "sweep.json").read_bytes()
    fewer = run(place, *words, "hydra.sweeper.n_trials=2", "resume=true")
    told = "got 2; allowed: a whole number from 4, the trials that the sweep in swept has"
    assert (fewer.code, fewer.out, fewer.err) == (2, "", f"runner: hydra.sweeper.n_trials: {told}\n")
    assert (place / "swept" / "sweep.json").read_bytes() == before
    more = run(place, *words, "hydra.sweeper.n_trials=5", "resume=true")
    assert more.code == 0
    assert "5 of 5 jobs agree" in more.out
    assert findings(uri(place), place / "swept") == []


@pytest.mark.parametrize("wrong", ["objective=nosuch", "batch_size=50"])
def test_a_search_ends_where_what_is_not_searched_is_rejected(wrong: str, place: Path) -> None:
    before = tree(place).keys()
    done = run(place, *OPTUNA, "lr=interval(0.01,0.1)", wrong, *SHORT)
    assert (done.code, done.out) == (2, "")
    told = [line for line in done.err.splitlines() if line.startswith("runner: ")]
    assert told[0] == told[1]
    assert told[0].startswith(f"runner: {wrong.partition('=')[0]}: got ")
    assert told[2:] == [
        "runner: hydra/sweeper: got a search of which each of the first 2 jobs is rejected, as told; "
        "allowed: values that a run takes beside those that are searched"
    ]
    assert tree(place).keys() - {"outputs/mlflow.db.lock"} == before
    assert runs(client(place)) == []


def test_a_search_goes_on_where_a_value_that_is_searched_is_rejected(place: Path) -> None:
    done = run(place, *OPTUNA, *TWO, "lr=interval(-0.1,0.1)", *SHORT)
    assert done.code == 2
    assert "1 of 2 jobs agree" in done.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hydra.sweeper.n_jobs=0"], "hydra.sweeper.n_jobs: got 0; allowed: a whole number from 1"),
        (["hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials: got 0; allowed: a whole number from 1"),
        (["hydra.sweeper.direction=up"], "hydra.sweeper.direction: got up; allowed: minimize or maximize"),
        (["lr=interval(1,0.1)"], "lr: got interval(1,0.1); allowed: interval(LOW,HIGH), LOW no more than HIGH"),
        (["seed=range(5,1)"], "seed: got range(5,1); allowed: range(LOW,HIGH), LOW no more than HIGH"),
        (
            ["lr=tag(log,interval(0,1))"],
            "lr: got tag(log,interval(0,1)); allowed: tag(log,interval(LOW,HIGH)), LOW above 0",
        ),
        (
            ["hydra/launcher=joblib", "hydra.launcher.n_jobs=0"],
            "hydra.launcher.n_jobs: got 0; allowed: a whole number but 0; -1 is a process for each core",
        ),
        (
            ["hydra/launcher=joblib", "hydra.launcher.timeout=0"],
            "hydra.launcher.timeout: got 0.0; allowed: a number above 0, or null",
        ),
        (
            ["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=0"],
            "hydra.launcher.ray.init.num_cpus: got 0; allowed: a whole number from 1, or null",
        ),
        (
            ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=-5"],
            "hydra.launcher.timeout_min: got -5; allowed: a whole number from 1",
        ),
        (
            ["hydra/launcher=submitit_slurm", "hydra.launcher.array_parallelism=0"],
            "hydra.launcher.array_parallelism: got 0; allowed: a whole number from 1",
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_key_of_an_engine_is_refused_before_anything_is_made(words: list[str], told: str, tmp_path: Path) -> None:
    done = run(tmp_path, *OPTUNA, *words, *SHORT)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"runner: {told}\n"
    assert tree(tmp_path) == {}


def test_what_cannot_be_composed_is_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    done = run(tmp_path, *OPTUNA, "lr=interval(0.01,0.1)", "data.sample=5")
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("runner: data.sample: ")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["objective=drif"], "got drif; allowed: precision_roundings, logic_roundings, last_loss, drift (did you"),
        (["objective=drift"], "got drift; allowed: precision_roundings, logic_roundings, last_loss; with lockstep"),
    ],
)
def test_an_objective_that_a_run_cannot_tell_is_refused(words: list[str], message: str, tmp_path: Path) -> None:
    done = run(tmp_path, *words)
    assert done.code == 2
    assert done.err.startswith(f"runner: objective: {message}")
    assert tree(tmp_path) == {}
