"""What is recorded of a sweep as a whole: its parent run, its tables and its plot."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.helpers import FAULTS

from .conftest import SharedRuns
from .own import SEVEN, furnish_own
from .process import Finished, environment, run, tree
from .stores import artifacts, client, deviations, history, nested, parents, read_json, runs, statuses, uri
from .test_ends import stopped

FILES = {"sweep.parquet", "sweep.csv", "summary.csv", "sweep.png"}
FAULTY = (
    "--config-dir",
    str(FAULTS),
    "backend=[missing_slope,torch],[scratch,torch]",
    "data.samples=4",
    "batch_size=2",
    "record.plots=false",
)


OWN = """
def one(parameters, x, y):
    raise ValueError("not yet written")


two = one
"""

SMALL = ("data.samples=2", "record.plots=false")
GRID = [("0.01", "1"), ("0.01", "2"), ("0.05", "1"), ("0.05", "2")]


@pytest.fixture
def sweep(shared: SharedRuns) -> Finished:
    return shared.get("recorded_sweep", "-m", "lr=0.01,0.05", "seed=1,2", "data.samples=20")


def folder_of(finished: Finished) -> Path:
    """The only sweep's folder."""
    (found,) = (finished.folder / "outputs" / "sweeps").glob("*/*")
    return found


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_the_jobs_are_nested_in_one_run_that_says_how_they_ended(sweep: Finished) -> None:
    reader = client(sweep.folder)
    (parent,) = parents(reader)
    assert {job.data.tags["mlflow.parentRunId"] for job in nested(reader)} == {parent.info.run_id}
    assert len(nested(reader)) == 4
    assert (parent.info.run_name, parent.info.status) == ("lr=0.01,0.05 seed=1,2 data.samples=20", "FINISHED")
    assert parent.data.params == {"lr": "0.01,0.05", "seed": "1,2"}
    tags = parent.data.tags
    assert (tags["sweep"], tags["jobs.agree"]) == (folder_of(sweep).name, "4")
    assert Path(tags["sweep_folder"]) == folder_of(sweep)
    assert "jobs.mismatch" not in tags
    assert tags["mlflow.note.content"].startswith("**A sweep of 4 jobs: 4 agree**")
    assert artifacts(reader, parent) == FILES


def test_the_best_and_the_worst_job_are_named_by_what_the_jobs_recorded(sweep: Finished) -> None:
    reader = client(sweep.folder)
    (parent,) = parents(reader)
    losses = [history(reader, job, "loss/torch")[19] for job in nested(reader)]
    figures = [job.data.metrics["verdict/precision_roundings"] for job in nested(reader)]
    metrics = parent.data.metrics
    assert {key: metrics[f"sweep/{key}"] for key in ("jobs", "agree")} == {"jobs": 4, "agree": 4}
    assert (metrics["sweep/best_loss"], metrics["sweep/worst_roundings"]) == (min(losses), max(figures))
    assert list(history(reader, parent, "job/last_loss/torch").values()) == losses
    assert list(history(reader, parent, "job/roundings").values()) == figures
    best, worst = parent.data.tags["best_job"], parent.data.tags["worst_job"]
    titles = [f"{n} (lr={lr} seed={seed}): " for n, (lr, seed) in enumerate(GRID)]
    assert best.startswith(f"{titles[np.argmin(losses)]}last loss {min(losses):.6g} of torch")
    assert worst.startswith(titles[np.argmax(figures)])
    assert f"best job     {best}\n" in sweep.out
    assert f"worst job    {worst}\n" in sweep.out


def test_the_sweeps_file_leads_to_its_run_and_its_jobs(sweep: Finished) -> None:
    document = read_json(folder_of(sweep) / "sweep.json")
    (parent,) = parents(client(sweep.folder))
    assert (document["run_id"], document["experiment"]) == (parent.info.run_id, "runner")
    assert document["jobs"]["1"] == ["lr=0.01", "seed=2", "data.samples=20"]
    assert list(document["jobs"]) == list("0123")


def test_every_row_of_the_table_is_one_of_a_jobs_own(sweep: Finished) -> None:
    table = pd.read_parquet(folder_of(sweep) / "sweep.parquet")
    kinds = {"job": "int64", "lr": "float64", "seed": "int64", "step": "int64", "error/torch": "float64"}
    assert {name: str(table[name].dtype) for name in kinds} == kinds
    for number, (lr, seed) in enumerate([(0.01, 1), (0.01, 2), (0.05, 1), (0.05, 2)]):
        mine, own = table[table["job"] == number], deviations(folder_of(sweep) / str(number))
        assert len(mine) == len(own) == 20 * 8
        assert (set(mine["lr"]), set(mine["seed"])) == ({lr}, {seed})
        for name in ("step", "tensor", "backend", "max_abs", "roundings", "logic_roundings"):
            assert list(mine[name]) == list(own[name]), name
        assert list(mine["error/scratch"]) == list(own["error"])
        assert list(mine["error/torch"]) == list(own["reference_error"])
        losses = own[own["tensor"] == "loss"].set_index("step")["worst_value"]
        assert list(mine["loss"]) == list(losses[mine["step"]])


def test_the_table_of_jobs_says_what_each_has_recorded(sweep: Finished) -> None:
    reader = client(sweep.folder)
    found = rows(folder_of(sweep) / "sweep.csv")
    assert [row["job"] for row in found] == list("0123")
    assert [(row["lr"], row["seed"]) for row in found] == GRID
    for row, job in zip(found, nested(reader), strict=True):
        assert (row["run_id"], row["overrides"]) == (job.info.run_id, job.info.run_name)
        assert (row["status"], row["verdict"]) == ("0", "agree")
        assert float(row["roundings"]) == job.data.metrics["verdict/precision_roundings"]
        for backend in ("scratch", "torch"):
            losses = history(reader, job, f"loss/{backend}")
            assert float(row[f"first_loss/{backend}"]) == losses[0]
            assert float(row[f"last_loss/{backend}"]) == losses[19]
        assert (sweep.folder / row["folder"] / "verdict.json").is_file()


def test_quantiles_are_those_of_the_seeds(sweep: Finished) -> None:
    jobs = pd.read_csv(folder_of(sweep) / "sweep.csv")
    found = pd.read_csv(folder_of(sweep) / "summary.csv").set_index("measure")
    for lr in (0.01, 0.05):
        for measure in ("roundings", "logic_roundings", "last_loss/torch", "first_loss/scratch"):
            values = jobs[jobs["lr"] == lr][measure]
            row = found[found["lr"] == lr].loc[measure]
            assert row["jobs"] == 2
            quantiles = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
            np.testing.assert_array_equal(row[["q05", "q25", "median", "q75", "q95"]], quantiles)


def test_a_mismatch_is_counted_and_is_the_worst(place: Path) -> None:
    finished = run(place, "-m", *FAULTY)
    assert (finished.code, finished.err) == (1, "")
    (parent,) = parents(client(place))
    assert (parent.info.status, parent.data.tags["jobs.agree"], parent.data.tags["jobs.mismatch"]) == (
        *("FINISHED", "1", "1"),
    )
    assert parent.data.tags["worst_job"].startswith("0 (backend=[missing_slope,torch]): ")
    table = pd.read_parquet(folder_of(finished) / "sweep.parquet")
    wrong = table["override/backend"] == "[missing_slope,torch]"
    assert set(table[wrong]["backend"]) == {"missing_slope"}
    assert table[wrong]["error/scratch"].isna().all()
    assert table[~wrong]["error/missing_slope"].isna().all()
    assert table["error/torch"].notna().all()
    assert artifacts(client(place), parent) == FILES - {"summary.csv"}


def test_a_rejected_job_is_a_row_without_figures(place: Path) -> None:
    finished = run(place, "-m", "data.low=0,2", *SMALL)
    assert finished.code == 2
    good, rejected = rows(folder_of(finished) / "sweep.csv")
    assert (good["status"], good["verdict"], good["data.low"]) == ("0", "agree", "0")
    assert (rejected["status"], rejected["verdict"], rejected["data.low"]) == ("2", "rejected", "2")
    assert rejected["message"].startswith("data.low: got 2.0; allowed: ")
    assert (rejected["roundings"], rejected["run_id"], rejected["last_loss/torch"]) == ("", "", "")
    (parent,) = parents(client(place))
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["sweep/rejected"] == 1


def test_a_sweep_of_rejected_jobs_leaves_no_run(place: Path) -> None:
    finished = run(place, "-m", "lr=-1,-2")
    assert finished.code == 2
    assert runs(client(place)) == []
    assert {file.name for file in folder_of(finished).iterdir()} == {"0", "1", "multirun.yaml"}


def test_a_job_that_fails_makes_the_sweep_failed(place: Path) -> None:
    furnish_own(place)
    finished = run(place, "-m", *SEVEN, "backend=[broken,torch]", "seed=1,2", env=environment(place))
    assert finished.code == 3
    (parent,) = parents(client(place))
    assert (parent.info.status, parent.data.tags["jobs.unfinished"]) == ("FAILED", "2")
    assert "best_job" not in parent.data.tags
    found = rows(folder_of(finished) / "sweep.csv")
    assert [(row["verdict"], row["roundings"]) for row in found] == [("unfinished", "")] * 2
    assert {row["run_id"] for row in found} == {job.info.run_id for job in nested(client(place))}
    table = pd.read_parquet(folder_of(finished) / "sweep.parquet")
    assert list(table.groupby("job")["step"].nunique()) == [5, 5]


def test_one_job_is_a_sweep(place: Path) -> None:
    finished = run(place, "-m", "data.samples=2")
    assert (finished.code, finished.err) == (0, "")
    reader = client(place)
    (parent,), (job,) = parents(reader), nested(reader)
    assert job.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert parent.data.params == {}
    assert artifacts(reader, parent) == {"sweep.parquet", "sweep.csv"}
    assert set(pd.read_parquet(folder_of(finished) / "sweep.parquet")["seed"]) == {1}


def test_jobs_that_record_elsewhere_are_not_nested(place: Path) -> None:
    finished = run(place, "-m", "tracking.experiment=runner,other", *SMALL)
    assert (finished.code, finished.err) == (0, "")
    (job,) = nested(client(place))
    assert job.data.params["tracking.experiment"] == "runner"
    assert len(runs(client(place))) == 3
    (parent,) = parents(client(place))
    assert parent.data.metrics["sweep/agree"] == 2
    assert "not nested   1 of 2 jobs, in experiment other: MLflow nests within one experiment only\n" in finished.out


@pytest.mark.parametrize(
    ("setting", "key"),
    [("tracking.uri=nowhere", "tracking.uri"), ("tracking.experiment=gone", "tracking.experiment")],
)
def test_tracking_that_is_wrong_for_the_sweep_is_told_once(setting: str, key: str, place: Path) -> None:
    reader = client(place)
    reader.delete_experiment(reader.create_experiment("gone"))
    finished = run(place, "-m", "lr=0.1,0.2", setting)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith(f"runner: {key}: got ")
    assert finished.err.count("\n") == 1
    assert not (place / "outputs" / "sweeps").exists()


def test_a_sweep_that_is_stopped_is_recorded_as_far_as_it_came(place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    both = ["RUNNING", "RUNNING"]
    finished = stopped(place, lambda: statuses(database) == both, signal.SIGTERM, "-m", "lr=0.01,0.05")
    assert finished.code == 3
    (parent,) = parents(client(place))
    assert (parent.info.status, parent.data.tags["jobs.unfinished"]) == ("KILLED", "2")
    found = rows(folder_of(finished) / "sweep.csv")
    assert [row["lr"] for row in found] == ["0.01", "0.05"]
    assert found[1]["folder"] == ""


def test_a_sweep_into_the_folder_of_another_replaces_it(place: Path) -> None:
    first = run(place, "-m", "seed=1,2,3", *SMALL, "hydra.sweep.dir=here")
    assert first.code == 0
    second = run(place, "-m", "lr=0.1,0.2", *SMALL, "hydra.sweep.dir=here")
    assert (second.code, second.err) == (0, "")
    assert [row["lr"] for row in rows(place / "here" / "sweep.csv")] == ["0.1", "0.2"]
    assert not (place / "here" / "summary.csv").exists()
    before, after = parents(MlflowClient(uri(place)))
    assert before.info.run_id != read_json(place / "here" / "sweep.json")["run_id"] == after.info.run_id


APART = '''
"""A launcher that runs each job in a process of its own, two at a time."""

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job, setup_globals
from hydra.plugins.launcher import Launcher
from joblib import Parallel, delayed
from omegaconf import open_dict


def execute(number, overrides, context, config, task, state):
    setup_globals()
    Singleton.set_state(state)
    config = context.config_loader.load_sweep_config(config, overrides)
    with open_dict(config):
        config.hydra.job.id = config.hydra.job.num = number
    HydraConfig.instance().set_config(config)
    keys = {"job_dir_key": "hydra.sweep.dir", "job_subdir_key": "hydra.sweep.subdir"}
    return run_job(hydra_context=context, config=config, task_function=task, **keys)


class Apart(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        self.context, self.task, self.config = hydra_context, task_function, config

    def launch(self, job_overrides, initial_job_idx):
        setup_globals()
        state = Singleton.get_state()
        return Parallel(n_jobs=2, backend="loky")(
            delayed(execute)(initial_job_idx + i, list(overrides), self.context, self.config, self.task, state)
            for i, overrides in enumerate(job_overrides)
        )
'''


def test_jobs_in_other_processes_leave_the_same_record(sweep: Finished, place: Path) -> None:
    (place / "plugins" / "hydra_plugins").mkdir(parents=True)
    (place / "plugins" / "hydra_plugins" / "apart.py").write_text(APART, encoding="utf-8")
    launcher = "hydra.launcher._target_=hydra_plugins.apart.Apart"
    args = ("-m", launcher, "lr=0.01,0.05", "seed=1,2", "data.samples=20")
    finished = run(place, *args, env=environment(place / "plugins"))
    assert (finished.code, finished.err) == (0, "")
    here, there = folder_of(sweep), folder_of(finished)
    mine, theirs = (pd.read_csv(folder / "sweep.csv").drop(columns=["run_id", "folder"]) for folder in (here, there))
    pd.testing.assert_frame_equal(mine, theirs)
    mine, theirs = (pd.read_parquet(folder / "sweep.parquet") for folder in (here, there))
    pd.testing.assert_frame_equal(mine, theirs)
    assert (here / "summary.csv").read_bytes() == (there / "summary.csv").read_bytes()
    (parent,) = parents(client(place))
    assert {job.data.tags["mlflow.parentRunId"] for job in nested(client(place))} == {parent.info.run_id}
    assert (len(nested(client(place))), parent.info.status) == (4, "FINISHED")


def test_runs_that_lie_below_a_sweeps_folder_are_left_alone(place: Path) -> None:
    assert run(place, *SMALL, "hydra.run.dir=here/mine").code == 0
    assert run(place, "-m", "lr=0.1,0.2", *SMALL, "hydra.sweep.dir=here/other").code == 0
    before = {name: content for name, content in tree(place / "here").items() if content is not None}
    args = ("lr=0.3,0.4", *SMALL, "hydra.sweep.dir=here", "hydra.sweep.subdir=job/${hydra.job.num}")
    finished = run(place, "-m", *args)
    assert (finished.code, finished.err) == (0, "")
    found = rows(place / "here" / "sweep.csv")
    assert [(row["lr"], row["folder"]) for row in found] == [("0.3", "here/job/0"), ("0.4", "here/job/1")]
    after = tree(place / "here")
    assert {name: after[name] for name in before} == before


def test_a_sweep_that_cannot_be_composed_leaves_an_earlier_one_whole(place: Path) -> None:
    assert run(place, "-m", "lr=0.1,0.2", *SMALL, "hydra.sweep.dir=here").code == 0
    before = tree(place / "here")
    assert run(place, "-m", "lr=0.1,abc", "hydra.sweep.dir=here").code == 2
    assert tree(place / "here") == before


def test_a_job_is_told_as_a_person_would_type_it(place: Path) -> None:
    (place / "own.py").write_text(OWN, encoding="utf-8")
    path = "backend.function.path"
    args = ("backend=[function,torch]", f"{path}=own.py:one,own.py:two", "data.samples=2", "architecture.hidden=[4]")
    finished = run(place, "-m", *args)
    assert finished.code == 1
    titles = [" ".join([args[0], f"{path}=own.py:{name}", *args[2:]]) for name in ("one", "two")]
    found = rows(folder_of(finished) / "sweep.csv")
    assert [row["overrides"] for row in found] == titles
    reader = client(place)
    assert [job.info.run_name for job in nested(reader)] == titles
    (parent,) = parents(reader)
    assert parent.data.params == {path: "own.py:one,own.py:two"}
    assert list(read_json(folder_of(finished) / "sweep.json")["jobs"].values()) == [title.split() for title in titles]
    again = run(place, *titles[0].split())
    assert again.code == 1


def test_the_sweep_says_what_it_was_computed_with_as_its_jobs_do(sweep: Finished) -> None:
    reader = client(sweep.folder)
    (parent,) = parents(reader)
    kinds = ("version.", "host.", "mlflow.user", "mlflow.source.git.commit")
    of_parent, *of_jobs = (
        {key: value for key, value in found.data.tags.items() if key.startswith(kinds)}
        for found in (parent, *nested(reader))
    )
    assert {"version.torch", "version.runner", "host.cpu", "mlflow.user"} <= set(of_parent)
    assert of_jobs == [of_parent] * 4
