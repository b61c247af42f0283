"""Sweeps: a row, a folder and an MLflow run for each job, and the exit code of all together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .conftest import SharedRuns
from .own import SEVEN, furnish_own
from .process import Finished, environment, run, tree
from .stores import client, gradients, history, nested, read_json

GRID = [("0.01", "1"), ("0.01", "2"), ("0.01", "3"), ("0.05", "1"), ("0.05", "2"), ("0.05", "3")]


@pytest.fixture
def sweep(shared: SharedRuns) -> Finished:
    return shared.get("sweep", "-m", "lr=0.01,0.05", "seed=1,2,3", "data.samples=20")


def folders(finished: Finished) -> list[Path]:
    """The jobs' folders, by their number."""
    found = [path.parent for path in (finished.folder / "outputs" / "sweeps").glob("*/*/*/status.json")]
    return sorted(found, key=lambda path: int(path.name))


def rows(out: str) -> list[list[str]]:
    """The lines of the summary: job number first."""
    lines = [line.split() for line in out.splitlines()]
    head = lines.index(["job", "overrides", "last", "loss", "roundings", "verdict"])
    return [words for words in lines[head + 1 :] if words and words[0].isdigit() and "=" in words[1]]


def test_every_job_of_a_grid_is_finished_in_one_experiment(sweep: Finished) -> None:
    assert (sweep.code, sweep.err) == (0, "")
    reader = client(sweep.folder)
    found = nested(reader)
    assert [run.info.status for run in found] == ["FINISHED"] * 6
    assert len({run.info.experiment_id for run in found}) == 1
    assert sorted((run.data.params["lr"], run.data.params["seed"]) for run in found) == GRID
    assert {run.data.tags["verdict"] for run in found} == {"agree"}


def test_every_job_has_a_folder_with_its_own_records(sweep: Finished) -> None:
    assert [path.name for path in folders(sweep)] == list("012345")
    for path, (lr, seed) in zip(folders(sweep), GRID, strict=True):
        status = read_json(path / "status.json")
        assert status["status"] == 0
        assert status["overrides"] == [f"lr={lr}", f"seed={seed}", "data.samples=20"]
        assert {len(value) for value in gradients(path).values()} == {20}


def test_the_summary_has_a_row_a_job_with_the_numbers_of_the_record(sweep: Finished) -> None:
    reader = client(sweep.folder)
    by_params = {(run.data.params["lr"], run.data.params["seed"]): run for run in nested(reader)}
    found = rows(sweep.out)
    assert [words[0] for words in found] == list("012345")
    for words, (lr, seed) in zip(found, GRID, strict=True):
        record = by_params[lr, seed]
        loss = history(reader, record, "loss/torch")[19]
        roundings = record.data.metrics["verdict/precision_roundings"]
        assert words[1:] == [f"lr={lr}", f"seed={seed}", "data.samples=20", f"{loss:.6g}", f"{roundings:.1f}", "agree"]
    assert "6 of 6 jobs agree" in sweep.out


def test_each_job_prints_one_line_as_it_ends(sweep: Finished) -> None:
    for lr, seed in GRID:
        (line,) = [line for line in sweep.out.splitlines() if line.startswith(f"lr={lr} seed={seed} data.samples=20:")]
        assert "agree: the gradients of scratch and torch differ by rounding alone" in line


def test_a_seed_means_the_same_whatever_stands_beside_it(sweep: Finished) -> None:
    first = [gradients(path)["torch/input_layer.weight"][0] for path in folders(sweep)]
    for seed in range(3):
        np.testing.assert_array_equal(first[seed], first[seed + 3])
    assert not np.array_equal(first[0], first[1])


def test_job_keys_name_the_sweep_and_tell_the_jobs_apart(sweep: Finished) -> None:
    keys = {run.data.tags["job_key"] for run in nested(client(sweep.folder))}
    assert len(keys) == 6
    assert {key.split()[0] for key in keys} == {folders(sweep)[0].parent.name}
    assert {tuple(key.split()[1:]) for key in keys} == {("data.samples=20", f"lr={a}", f"seed={b}") for a, b in GRID}


def test_a_range_is_a_sweep(place: Path) -> None:
    finished = run(place, "-m", "seed=range(1,4)", "data.samples=2", "record.plots=false")
    assert (finished.code, finished.err) == (0, "")
    assert sorted(run.data.params["seed"] for run in nested(client(place))) == ["1", "2", "3"]
    assert [words[1] for words in rows(finished.out)] == ["seed=1", "seed=2", "seed=3"]


def test_a_job_that_our_checks_reject_fails_alone(place: Path) -> None:
    finished = run(place, "-m", "data.low=0,2,0.5", "data.samples=2", "record.plots=false")
    assert finished.code == 2
    assert finished.err == "runner: data.low: got 2.0; allowed: a number below data.high, which is 1.0\n"
    found = nested(client(place))
    assert [float(run.data.params["data.low"]) for run in found] == [0, 0.5]
    assert [run.info.status for run in found] == ["FINISHED", "FINISHED"]
    jobs = [("0", "data.low=0"), ("1", "data.low=2"), ("2", "data.low=0.5")]
    assert [(words[0], words[1]) for words in rows(finished.out)] == jobs
    assert "2 of 3 jobs agree" in finished.out
    assert [read_json(path / "status.json")["status"] for path in folders(finished)] == [0, 2, 0]


@pytest.mark.parametrize(
    ("args", "key"),
    [
        (["lr=0.1,abc"], "lr"),
        (["data=uniform,unifrom"], "data"),
        (["seed=1,2", "data.sample=3"], "data.sample"),
        (["data=glob(x*)"], "command line"),
        (["lr=choice()"], "command line"),
    ],
)
def test_what_cannot_be_composed_rejects_the_whole_sweep(args: list[str], key: str, tmp_path: Path) -> None:
    finished = run(tmp_path, "-m", *args)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith(f"runner: {key}: ")
    assert finished.err.count("\n") == 1
    assert tree(tmp_path) == {}


def test_a_sweep_in_which_one_job_disagrees_ends_with_1(place: Path) -> None:
    furnish_own(place)
    args = ("-m", *SEVEN, "backend=[scratch,torch],[wrong,torch]", "record.plots=false")
    finished = run(place, *args, env=environment(place))
    assert (finished.code, finished.err) == (1, "")
    documents = [read_json(folder / "verdict.json") for folder in folders(finished)]
    assert [document["backends"] for document in documents] == [["scratch", "torch"], ["wrong", "torch"]]
    assert [document["verdict"] for document in documents] == ["agree", "mismatch"]
    assert "1 of 2 jobs agree" in finished.out
    assert [run.info.status for run in nested(client(place))] == ["FINISHED", "FINISHED"]


def test_a_job_that_could_not_finish_outweighs_one_that_was_rejected(place: Path) -> None:
    furnish_own(place)
    args = ("-m", *SEVEN, "backend=[broken,torch],[scratch,torch]", "batch_size=1,8", "record.plots=false")
    finished = run(place, *args, env=environment(place))
    assert finished.code == 3
    assert [read_json(f / "status.json")["status"] for f in folders(finished)] == [3, 2, 0, 2]
    assert sorted(run.info.status for run in nested(client(place))) == ["FAILED", "FINISHED"]
    assert finished.err.count("\n") == 3
