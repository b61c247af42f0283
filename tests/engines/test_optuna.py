"""`hydra/sweeper=optuna`: a search for what `objective` names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.cli.process import run, tree
from tests.cli.stores import client, nested
from tests.engines.sweeps import SHORT, parent

OPTUNA = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.sampler.seed=1", "hydra.sweep.dir=swept")
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


def test_a_search_in_which_every_job_is_rejected_ends_with_2(place: Path) -> None:
    done = run(place, *OPTUNA, "hydra.sweeper.n_trials=2", "lr=interval(0.01,0.1)", "batch_size=50", *SHORT)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.err.splitlines()[-1] == "runner: hydra/sweeper: ValueError: No trials are completed yet."
    assert nested(client(place)) == []


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
