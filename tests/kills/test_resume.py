"""`resume=true`: what is found again, what is run again, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.cli.process import Finished, run, tree
from tests.cli.stores import read_json

from .campaign import TWO, Place, place
from .invariants import findings

SWEEP = TWO[:-1]  # into a folder of its own making
ALONE = ("lr=0.05", "data.samples=3", "record.plots=false")


@pytest.fixture
def here(migrated: Path) -> Iterator[Place]:
    with place(migrated, SWEEP) as made:
        yield made


def runs(here: Place) -> list[Run]:
    """All of them, the first first."""
    client = MlflowClient(here.store)
    experiments = [e.experiment_id for e in client.search_experiments()]
    return list(client.search_runs(experiments, order_by=["attributes.start_time ASC"]))


def states(here: Place) -> list[str]:
    return [made.info.status for made in runs(here)]


def resumed(here: Place, *more: str) -> Finished:
    return run(here.folder, *here.words, "resume=true", *more)


def test_a_sweep_is_found_by_its_overrides_and_runs_what_is_missing(here: Place) -> None:
    assert here.run(False, KILL_AT="create_run 3 after") is None
    assert states(here) == ["RUNNING", "FINISHED", "RUNNING"]
    parent, first, _ = (made.info.run_id for made in runs(here))
    finished = resumed(here, "hydra/launcher=stacked")
    assert (finished.code, finished.err) == (0, "")
    assert "2 of 2 jobs agree" in finished.out
    assert states(here) == ["FINISHED", "FINISHED", "KILLED", "FINISHED"]
    (folder,) = (here.folder / "outputs" / "sweeps").glob("*/*")
    assert read_json(folder / "sweep.json")["run_id"] == parent
    assert read_json(folder / "0" / "status.json")["run_id"] == first
    last = runs(here)[3]
    assert read_json(folder / "1" / "status.json")["run_id"] == last.info.run_id
    assert last.info.run_name == "lr=0.05 data.samples=3 record.plots=false"
    assert (last.data.params["resume"], last.data.tags["mlflow.parentRunId"]) == ("False", parent)


def test_a_job_that_stands_between_its_run_and_its_status_is_not_run_again(here: Place) -> None:
    assert here.run(False, KILL_AT="set_terminated 1 after") is None
    (part,) = (here.folder / "outputs" / "sweeps").glob("*/*/0/status.json.part")
    whole = part.read_bytes()
    assert resumed(here).code == 0
    assert (part.parent / "status.json").read_bytes() == whole
    assert states(here) == ["FINISHED"] * 3


def test_what_had_failed_counts_no_more_once_it_has_ended(here: Place) -> None:
    stored = here.folder / "outputs" / "mlflow.db"
    assert run(here.folder, *SWEEP).code == 0
    (folder,) = (here.folder / "outputs" / "sweeps").glob("*/*")
    status = read_json(folder / "1" / "status.json")
    (folder / "1" / "status.json").write_text(
        f'{{"status": 3, "number": 1, "sweep": "{status["sweep"]}", "overrides": []}}'
    )
    client = MlflowClient(here.store)
    client.log_metric(status["sweep"], "sweep/unfinished", 1, step=0)
    assert stored.exists()
    assert resumed(here).code == 0
    parent = client.get_run(status["sweep"])
    assert (parent.data.metrics["sweep/unfinished"], parent.data.tags["jobs.unfinished"]) == (0, "0")
    assert parent.data.metrics["sweep/agree"] == 2
    assert len(client.get_metric_history(status["sweep"], "sweep/agree")) == 1


def test_a_run_of_its_own_is_begun_anew_in_its_folder_or_told_to_have_ended(here: Place) -> None:
    alone = Place(here.folder, ALONE)
    assert alone.run(False, KILL_AT="log_artifact 2 before") is None
    finished = resumed(alone)
    assert (finished.code, finished.err) == (0, "")
    assert states(alone) == ["KILLED", "FINISHED"]
    folder = finished.run_folder  # the only one
    before = tree(here.folder)
    again = resumed(alone)
    shown = folder.relative_to(here.folder)
    assert (again.code, again.err) == (0, "")
    assert again.out == f"nothing to resume: the run in {shown} has ended: agree\n"
    assert states(alone) == ["KILLED", "FINISHED"]
    assert {name for name in tree(here.folder) if "mlflow.db" not in name} == {
        n for n in before if "mlflow.db" not in n
    }
    refused = run(here.folder, "lr=0.1", *ALONE[1:], "resume=true", f"hydra.run.dir={shown}")
    assert refused.code == 2
    assert refused.err.startswith(f"runner: resume: got true for lr=0.1 data.samples=3 record.plots=false in {shown}, ")
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lr=0.3", "resume=true"), "resume: got true, and no run of lr=0.3 in experiment runner of sqlite"),
        (("-m", "lr=0.3,0.4", "resume=true"), "resume: got true, and no sweep of lr=0.3,0.4 in experiment runner"),
        (("-m", "lr=0.3", "resume=true,false"), "resume: got true,false; allowed: true or false, for all jobs"),
        (("resume=maybe",), "resume: got maybe; allowed: true or false"),
        (("-m", "lr=0.3,0.4", "resume=2"), "resume: got 2; allowed: true or false"),
    ],
)
def test_what_cannot_be_resumed_is_told_in_one_line(words: tuple[str, ...], told: str, here: Place) -> None:
    before = tree(here.folder).keys()
    finished = run(here.folder, *words)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith(f"runner: {told}")
    assert finished.err.count("\n") == 1
    assert {name for name in tree(here.folder) if name != "outputs/mlflow.db.lock"} == before


def test_a_folder_of_another_sweep_is_refused(here: Place) -> None:
    assert run(here.folder, *TWO).code == 0
    before = (here.folder / "S" / "sweep.json").read_bytes()
    finished = run(here.folder, "-m", "lr=0.01,0.06", *TWO[2:], "resume=true")
    assert finished.code == 2
    assert finished.err.startswith("runner: resume: got true in S, a sweep of lr=0.01,0.05 data.samples=3 ")
    assert (here.folder / "S" / "sweep.json").read_bytes() == before
    assert states(here) == ["FINISHED"] * 3


def write_choice(here: Place, rate: float) -> None:
    file = here.folder / "own" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# @package _global_\nlr: {rate}\n", encoding="utf-8")


def test_what_has_ended_is_not_mixed_with_what_a_changed_file_says(here: Place) -> None:
    words = ("--config-dir", "own", "experiment=mine", "data.samples=3", "record.plots=false", "resume=true")
    sweep = ("-m", *words, "seed=1,2,3", "hydra.sweep.dir=S")
    alone = (*words, "hydra.run.dir=R")
    write_choice(here, 0.1)
    assert run(here.folder, *sweep).code == 0
    assert run(here.folder, *alone).code == 0
    (here.folder / "S" / "2" / "status.json").unlink()
    before = {name: content for name, content in tree(here.folder).items() if "mlflow.db" not in name}
    write_choice(here, 0.5)
    before["own/experiment/mine.yaml"] = (here.folder / "own" / "experiment" / "mine.yaml").read_bytes()
    for command, file in ((sweep, "S/0/config.yaml"), (alone, "R/config.yaml")):
        finished = run(here.folder, *command)
        assert (finished.code, finished.out) == (2, "")
        told = f"lr: got 0.5; allowed: 0.1, as in {file}: a run goes on with the configuration that it has"
        assert finished.err == f"runner: {told}\n"
    assert {name: content for name, content in tree(here.folder).items() if "mlflow.db" not in name} == before
    assert states(here) == ["FINISHED"] * 5
    write_choice(here, 0.1)
    assert run(here.folder, *sweep).code == 0
    assert findings(here.store, here.folder / "S") == []


@pytest.mark.parametrize("damaged", ["[]", '{"once_synced": 5}', None])
def test_a_job_whose_status_is_lost_is_run_again_and_its_earlier_run_is_superseded(
    damaged: str | None, migrated: Path
) -> None:
    with place(migrated, TWO) as here:
        assert here.run(False) == 0
        if damaged is None:
            shutil.rmtree(here.folder / "S" / "1")
        else:
            (here.folder / "S" / "1" / "status.json").write_text(damaged, encoding="utf-8")
        assert (here.run(True), findings(here.store, here.folder / "S")) == (0, [])
        assert states(here) == ["FINISHED", "FINISHED", "KILLED", "FINISHED"]
        assert [made.info.run_id for made in runs(here) if "superseded" in made.data.tags] == [
            runs(here)[2].info.run_id
        ]


def test_a_run_of_an_earlier_sweep_in_the_same_folder_is_not_superseded(migrated: Path) -> None:
    with place(migrated, TWO) as here:
        assert here.run(False) == 0
        assert here.run(False, KILL_AT="create_run 3 before") is None
        assert here.run(True) == 0
        assert states(here).count("FINISHED") == 6


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        ("{}", "no run_id"),
        ("[]", "it is [], not an object"),
        ('{"run_id": "x"}', "no uri"),
        ('{"run_id": "x", "uri', "Unterminated string"),
    ],
)
def test_a_damaged_file_of_the_sweep_is_named(damaged: str, told: str, here: Place) -> None:
    (here.folder / "S").mkdir()
    (here.folder / "S" / "sweep.json").write_text(damaged, encoding="utf-8")
    finished = run(here.folder, *TWO, "resume=true")
    assert (finished.code, finished.out) == (3, "")
    assert finished.err.startswith(f"runner: S/sweep.json, which names the sweep's MLflow run: {told}")
    assert finished.err.count("\n") == 1


def test_a_folder_without_a_run_or_a_sweep_is_begun_with_which_is_said(here: Place) -> None:
    for words, folder in ((TWO, "S"), ((*ALONE, "hydra.run.dir=R"), "R")):
        finished = run(here.folder, *words, "resume=true")
        assert (finished.code, finished.err) == (0, "")
        assert finished.out.startswith(f"nothing to resume in {folder}: begins anew\n")
        again = run(here.folder, *words, "resume=true")
        assert (again.code, again.err) == (0, "")
        assert "begins anew" not in again.out
