"""`sync` on the folder of what was killed outright: its runs in MLflow end."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from tests.cli.process import Finished, run

from .campaign import TWO, Place, place

ALONE = ("lr=0.05", "data.samples=3", "record.plots=false", "hydra.run.dir=R")


def states(here: Place) -> list[str]:
    """Of all runs, the first first."""
    client = MlflowClient(here.store)
    experiments = [e.experiment_id for e in client.search_experiments()]
    found = client.search_runs(experiments, order_by=["attributes.start_time ASC"])
    return [made.info.status for made in found]


def synced(here: Place, folder: str) -> Finished:
    return run(here.folder, "sync", folder)


def test_a_run_that_was_killed_is_set_to_killed(migrated: Path) -> None:
    with place(migrated, ALONE) as here:
        assert here.run(False, KILL_AT="log_artifact 2 before") is None
        with FileLock(here.folder / "R" / "run.lock"):
            nothing = synced(here, "R")
        assert (nothing.code, nothing.out) == (0, "nothing to bring in: there is no journal in R\n")
        assert states(here) == ["RUNNING"]
        ended = synced(here, "R")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("R: KILLED, since its process is gone, MLflow run ")
        assert states(here) == ["KILLED"]
        assert synced(here, "R").out == nothing.out


def test_so_are_a_sweep_and_its_jobs(migrated: Path) -> None:
    with place(migrated, TWO) as here:
        assert here.run(False, KILL_AT="create_run 3 after") is None
        assert states(here) == ["RUNNING", "FINISHED", "RUNNING"]
        assert synced(here, "S/0").out.startswith("nothing to bring in")
        assert states(here) == ["RUNNING", "FINISHED", "RUNNING"]
        ended = synced(here, "S")
        assert (ended.code, ended.err) == (0, "")
        assert sorted(line.partition(", ")[0] for line in ended.out.splitlines()) == ["S/1: KILLED", "S: KILLED"]
        assert states(here) == ["KILLED", "FINISHED", "KILLED"]


@pytest.mark.parametrize("uri", ["http://me:hunter2@127.0.0.1:9", "file:///tmp"])
def test_a_recorded_address_is_no_other_than_one_that_could_be_typed(uri: str, tmp_path: Path) -> None:
    folder = tmp_path / "R"
    folder.mkdir()
    (folder / "overrides.yaml").write_text("[]\n", encoding="utf-8")
    (folder / "config.yaml").write_text(f"tracking: {{uri: '{uri}', experiment: e}}\n", encoding="utf-8")
    refused = run(tmp_path, "sync", "R")
    assert refused.code == 2
    assert refused.err.startswith("runner: sync: got R/config.yaml, with tracking.uri: ")
    assert refused.err.count("\n") == 1
    assert "hunter2" not in refused.err


def test_a_folder_of_another_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("!mine [", encoding="utf-8")
    assert run(tmp_path, "sync", ".").out == "nothing to bring in: there is no journal in .\n"


def test_a_deleted_run_that_is_to_go_on_is_told_with_what_can_be_done(migrated: Path) -> None:
    words = (*ALONE, "data.samples=30", "checkpoint.every=5")
    with place(migrated, words) as here:
        assert here.run(False, KILL_AT="log_artifact 2 before") is None
        client = MlflowClient(here.store)
        (made,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
        run_id = made.info.run_id
        client.delete_run(run_id)
        told = run(here.folder, *words, "resume=true")
        assert told.code == 3
        assert told.err == (
            f"runner: MLflow at sqlite:///outputs/mlflow.db: run {run_id} was deleted; to go on with it, restore it: "
            f"mlflow runs restore --run-id {run_id}; to begin anew, remove R\n"
        )
        client.restore_run(run_id)
        assert run(here.folder, *words, "resume=true").code == 0
        assert states(here) == ["FINISHED"]
