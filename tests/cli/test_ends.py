"""Runs that do not come to their own end: exit code 3, what was recorded kept, whole and readable."""

from __future__ import annotations

import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from runner.errors import ConfigError
from runner.records.reading import read_run

from .own import SEVEN, furnish_own
from .process import Finished, command, end, environment, finish, run, start
from .stores import check_files, client, count_metrics, gradients, only_run, read_json, runs, statuses
from .warm import SAFETY

LONG = ("data.samples=100000",)
STOPS = [signal.SIGINT, signal.SIGTERM]


def wait_until(seen: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for what a running process does; fails if it ends first."""
    deadline = time.monotonic() + SAFETY
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stopped(place: Path, when: Callable[[], bool], how: signal.Signals, *args: str) -> Finished:
    """A long run to which a signal is sent as soon as ``when`` holds."""
    process = start(place, *args, *LONG)
    try:
        wait_until(when, process)
        process.send_signal(how)
        return end(process, place, safety=60.0)
    finally:
        process.kill()


@pytest.mark.parametrize("how", STOPS, ids=lambda how: how.name)
def test_a_run_that_is_stopped_in_its_midst_is_killed_and_keeps_what_it_has(how: signal.Signals, place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    finished = stopped(place, lambda: count_metrics(database) > 0, how)
    assert finished.code == 3
    assert finished.err == "runner: interrupted; what was recorded is kept\n"
    assert only_run(client(place)).info.status == "KILLED"
    folder = finished.run_folder
    check_files(folder)
    table, kept = pd.read_parquet(folder / "deviations.parquet"), gradients(folder)
    steps = table["step"].nunique()
    assert 20 < steps < 100_000
    assert list(table["step"].unique()) == list(range(steps))
    assert {len(value) for value in kept.values()} == {steps}
    largest = table[table["tensor"] == "hidden_layer_2.bias"]["max_abs"]
    apart = abs(kept["scratch/hidden_layer_2.bias"].astype(float) - kept["torch/hidden_layer_2.bias"].astype(float))
    assert list(largest) == list(apart.max(axis=1))
    assert read_json(folder / "status.json")["status"] == 3


@pytest.mark.parametrize("how", STOPS, ids=lambda how: how.name)
def test_a_run_that_is_stopped_at_its_first_moment_is_killed(how: signal.Signals, place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    finished = stopped(place, lambda: statuses(database) == ["RUNNING"], how)
    assert finished.code == 3
    assert finished.err.count("\n") == 1
    assert finished.err.startswith("runner: interrupted")
    assert statuses(database) == ["KILLED"]
    check_files(finished.run_folder)


def test_a_process_that_is_killed_outright_leaves_all_but_one_part_of_its_rows(place: Path) -> None:
    runs_of = place / "outputs" / "runs"
    process = start(place, *LONG, "verdict.every=1000", "record.plots=false", "tracking.experiment=killed")
    try:
        wait_until(lambda: len(list(runs_of.glob("*/*/deviations.parquet.parts/*"))) > 1, process)
    finally:
        process.kill()
        process.communicate()
    (folder,) = runs_of.glob("*/*")
    parts = folder / "deviations.parquet.parts"
    table, kept = pd.read_parquet(parts), load_file(folder / "gradients.safetensors.part")
    steps = table["step"].nunique()
    assert steps == 1250 * len(list(parts.iterdir()))
    assert list(table["step"].unique()) == list(range(steps))
    assert {len(value) for value in kept.values()} == {100_000}
    refused = f"RUN: got {folder}, whose run was killed or goes on: .* in deviations.parquet.parts "
    with pytest.raises(ConfigError, match=refused):
        read_run(folder)
    assert run(place, "data.samples=2", "record.plots=false", f"hydra.run.dir={folder}").code == 0
    check_files(folder)
    assert read_run(folder).steps.tolist() == [0, 1]


def test_a_sweep_that_is_stopped_begins_no_further_job(place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    both = ["RUNNING", "RUNNING"]  # the sweep and its first job
    finished = stopped(place, lambda: statuses(database) == both, signal.SIGINT, "-m", "lr=0.01,0.05")
    assert finished.code == 3
    assert "Traceback" not in finished.err
    assert statuses(database) == ["KILLED", "KILLED"]
    check_files(place / "outputs")


def test_a_fault_is_told_in_one_line_and_its_traceback_goes_to_a_file(place: Path) -> None:
    furnish_own(place)
    finished = run(place, *SEVEN, "backend=[broken,torch]", env=environment(place))
    assert finished.code == 3
    folder = finished.run_folder
    log = folder / "error.log"
    assert finished.err.startswith("runner: RuntimeError")
    assert "the pump has stopped" in finished.err
    assert finished.err.endswith(f" (traceback in {log})\n")
    assert finished.err.count("\n") == 1
    text = log.read_text(encoding="utf-8")
    assert text.startswith("Traceback")
    assert "faulty.py" in text
    assert "RuntimeError: the pump has stopped" in text
    assert only_run(client(place)).info.status == "FAILED"
    assert "verdict" not in only_run(client(place)).data.tags
    check_files(folder)
    assert {len(value) for value in gradients(folder).values()} == {5}


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        ("from matplotlib.axes import Axes\nAxes.imshow = None\n", ["plots/heat_map.png", "plots/function.png"]),
        ("import runner.records.report\nrunner.records.report.write_report = None\n", ["report.html"]),
    ],
)
def test_what_cannot_be_drawn_is_told_and_the_verdict_stands(place: Path, missing: str, lost: list[str]) -> None:
    furnish_own(place)
    with (place / "faulty.py").open("a", encoding="utf-8") as file:
        file.write(missing)
    finished = run(place, *SEVEN, "backend=[wrong,torch]", env=environment(place))
    assert finished.code == 1
    assert "mismatch: the formula is wrong" in finished.out
    folder = finished.run_folder
    told = "could not be drawn: TypeError: 'NoneType' object is not callable (traceback in"
    assert finished.err == "".join(
        f"runner: {name} {told} {folder.relative_to(place) / 'error.log'})\n" for name in lost
    )
    assert (folder / "error.log").read_text(encoding="utf-8").count("Traceback (most recent call last)") == len(lost)
    assert read_json(folder / "status.json")["status"] == 1
    drawn = only_run(client(place))
    assert (drawn.info.status, drawn.data.tags["verdict"]) == ("FINISHED", "mismatch")
    assert not [name for name in lost if (folder / name).exists()]
    assert (folder / "plots" / "loss.png").exists()
    check_files(folder)


def test_a_disk_that_refuses_is_told_in_one_line(place: Path) -> None:
    limit = 20_000_000

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = finish(place, command("data.samples=100000"), preexec_fn=small_files)
    assert done.code == 3
    assert done.err.startswith("runner: ")
    assert done.err.count("\n") == 1
    assert statuses(place / "outputs" / "mlflow.db") == ["FAILED"]
    check_files(place)


def test_what_the_writer_cannot_write_ends_the_run(place: Path) -> None:
    """A file lies where the parts of the table are to go; the thread that finds it is not the one that trains."""
    folder = place / "outputs" / "here"
    folder.mkdir(parents=True)
    (folder / "deviations.parquet.parts").write_text("in the way", encoding="utf-8")
    more = ("data.samples=6000", "verdict.every=1000", "record.plots=false", f"hydra.run.dir={folder}")
    finished = run(place, *more)
    assert finished.code == 3
    assert finished.err.startswith("runner: FileExistsError: ")
    assert finished.err.count("\n") == 1
    assert only_run(client(place)).info.status == "FAILED"
    (folder / "deviations.parquet.parts").unlink()
    check_files(folder)
    assert len(pd.read_parquet(folder / "deviations.parquet")) == 0
    assert {1250 <= len(value) < 6000 for value in gradients(folder).values()} == {True}


def test_a_reader_that_goes_away_does_not_harm_the_run(place: Path) -> None:
    process = start(place, "data.samples=3")
    assert process.stdout is not None
    assert process.stdout.readline() == "Sequential(\n"
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(SAFETY) == 0
    assert err == ""
    assert only_run(client(place)).info.status == "FINISHED"


def test_two_first_runs_at_once_both_make_it(tmp_path: Path) -> None:
    both = [
        start(tmp_path, "record.plots=false", "data.samples=20", f"tracking.experiment={name}")
        for name in ("one", "one")
    ]
    for process in both:
        finished = end(process, tmp_path)
        assert (finished.code, finished.err) == (0, "")
    found = runs(client(tmp_path))
    assert [record.info.status for record in found] == ["FINISHED", "FINISHED"]
    assert len({record.info.experiment_id for record in found}) == 1
    folders = list((tmp_path / "outputs" / "runs").glob("*/*"))
    assert len(folders) == 2
    first, second = ((folder / "gradients.safetensors").read_bytes() for folder in folders)
    assert first == second
