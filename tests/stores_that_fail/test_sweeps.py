"""A sweep whose server goes away: every job trains and records, and one command brings all in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

from tests.cli.stores import artifacts, read_json

from .contents import run_impatient, runs_of
from .network import Network

SWEEP = ("-m", "seed=1,2,3", "data.samples=20", "record.plots=false", "hydra.sweep.dir=seeds")


def test_all_jobs_are_recorded_and_brought_in(network: Network, tmp_path: Path) -> None:
    """The first job is made and no more: the others have no run until they are brought in, nor has the sweep an end."""
    network.rule = lambda kind, _: "error" if network.seen.count("artifact") else "pass"
    finished = run_impatient(tmp_path, *SWEEP, f"tracking.uri={network.uri}", "tracking.experiment=seeds")
    assert finished.code == 3
    lines = finished.err.splitlines()
    whole = [f"the records in seeds{job} are whole; to bring them in: " for job in ("/0", "/1", "/2", "")]
    assert [line.partition(": it answers with error 500; ")[2] for line in lines] == [
        f"{words}python -m runner sync seeds" for words in whole
    ]
    assert "3 of 3 jobs agree" in finished.out
    before = pd.read_csv(tmp_path / "seeds" / "sweep.csv")
    assert list(before["verdict"]) == ["agree"] * 3

    network.heal()
    assert len(runs_of(network.uri, "seeds")) == 2
    synced = run_impatient(tmp_path, "sync", "seeds")
    assert (synced.code, synced.err) == (0, "")
    parent, *jobs = sorted(runs_of(network.uri, "seeds"), key=lambda run: "sweep" not in run.data.tags)
    assert [run.info.status for run in (parent, *jobs)] == ["FINISHED"] * 4
    assert {run.data.tags["mlflow.parentRunId"] for run in jobs} == {parent.info.run_id}
    assert parent.data.tags["jobs.agree"] == "3"
    assert sorted(run.data.params["seed"] for run in jobs) == ["1", "2", "3"]
    after = pd.read_csv(tmp_path / "seeds" / "sweep.csv")
    assert set(after["run_id"]) == {run.info.run_id for run in jobs}
    client = MlflowClient(network.uri)
    assert artifacts(client, parent) == {"sweep.csv", "sweep.parquet", "summary.csv", "sweep.png"}
    stored = Path(client.download_artifacts(parent.info.run_id, "sweep.csv", str(tmp_path)))
    assert pd.read_csv(stored).equals(after)
    assert [read_json(tmp_path / "seeds" / str(job) / "status.json")["status"] for job in range(3)] == [0, 0, 0]
    assert not list(tmp_path.rglob("*.journal"))
    assert run_impatient(tmp_path, "sync", "seeds").out == "nothing to bring in: there is no journal in seeds\n"
    assert len(runs_of(network.uri, "seeds")) == 4


def test_replicas_that_could_not_be_told_of_are_brought_in_below_their_stack(network: Network, tmp_path: Path) -> None:
    network.rule = lambda kind, _: "error" if network.seen.count("create_run") > 1 else "pass"
    words = ("-m", "lr=0.05", "replicas=2", "record.replicas=each", "data.samples=10", "hydra.sweep.dir=stack")
    finished = run_impatient(tmp_path, *words, f"tracking.uri={network.uri}", "tracking.experiment=stack")
    assert finished.code == 3
    network.heal()
    assert run_impatient(tmp_path, "sync", "stack").code == 0
    found = runs_of(network.uri, "stack")
    assert [run.info.status for run in found] == ["FINISHED"] * 4
    (stack,) = (run for run in found if "job_key" in run.data.tags)
    replicas = [run for run in found if run.data.tags.get("mlflow.parentRunId") == stack.info.run_id]
    assert sorted(run.data.tags["replica"] for run in replicas) == ["0", "1"]
