"""Signals and locks: a stop ends runs as KILLED within two seconds, and a run that lives is nobody else's."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.process import command, end, environment, run, start
from tests.cli.stores import client, read_json, statuses
from tests.cli.stores import runs as recorded
from tests.sharing import furnish

LONG = ("data.samples=100000", "record.plots=false")
JOBS = ("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2,3", "hydra.sweep.dir=S", *LONG)
TWICE = """
import sys, time
from runner import stopping
stopping.install()
try:
    print("ready", flush=True)
    time.sleep(100)
except KeyboardInterrupt:
    stopping.heed()
    print("stopping", flush=True)
    time.sleep(100)
"""

IN_A_FINALISER = """
import os, signal, time
from runner import stopping
class Ended:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
stopping.install()
try:
    Ended()
    time.sleep(100)
except KeyboardInterrupt:
    print("stopped")
"""

IN_A_LIBRARY = """
import ctypes, sys
from runner import stopping
stopping.install()
ctypes.pythonapi.PyRun_SimpleString(b"import os, signal; os.kill(os.getpid(), signal.SIGTERM); print()")
stopping.ignore()
sys.exit(3)
"""


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    furnish(tmp_path / "place", migrated)
    return tmp_path / "place"


def wait_until(seen: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not seen():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_stop_of_the_process_that_launched_them_is_that_of_all_jobs(how: signal.Signals, place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    process = start(place, *JOBS)
    try:
        wait_until(lambda: statuses(database).count("RUNNING") == 3, process)
        wait_until(lambda: len(list(place.glob("S/*/gradients.safetensors.part"))) == 2, process)
        time.sleep(1.0)  # so that each has recorded steps
        at = time.time()
        process.send_signal(how)
        finished = end(process, place, safety=60.0)
    finally:
        process.kill()
    assert (finished.code, finished.err) == (3, "runner: interrupted; what was recorded is kept\n")
    told = finished.out.splitlines()
    at_end = told.index("0 of 3 jobs agree")
    assert told[at_end + 1] == "sweep folder S"
    assert told[at_end + 2] == f"to go on     python -m runner {' '.join(JOBS)} resume=true"
    found = recorded(client(place))
    assert [made.info.status for made in found] == ["KILLED"] * 3
    jobs = [made.info.end_time / 1000 - at for made in found if "job_key" in made.data.tags]
    assert not list(place.rglob("*.lock")) or [path.name for path in place.rglob("*.lock")] == ["mlflow.db.lock"]
    if os.getloadavg()[0] < 2 * (os.cpu_count() or 1):  # else no process gets the time that it needs
        assert max(jobs) < 2
        assert len(list(place.glob("S/*/deviations.parquet"))) == 2


def test_a_second_signal_ends_the_process_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", TWICE], env=environment(), stdout=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)  # the same stop, passed on
        assert process.stdout.readline() == "stopping\n"
        time.sleep(1.1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 3
    finally:
        process.kill()
        process.communicate()


def test_a_stop_that_comes_in_a_finaliser_is_heeded_after_it() -> None:
    words = [sys.executable, "-c", IN_A_FINALISER]
    done = subprocess.run(words, env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


def test_the_exit_code_is_the_programs_though_a_stop_came_in_the_midst_of_a_library(tmp_path: Path) -> None:
    (tmp_path / "stopped_inside.py").write_text(IN_A_LIBRARY, encoding="utf-8")
    words = [sys.executable, "-m", "stopped_inside"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 3


def test_however_many_signals_come_the_exit_code_is_that_of_a_stop(place: Path) -> None:
    process = start(place, *LONG)
    try:
        wait_until(lambda: statuses(place / "outputs" / "mlflow.db") == ["RUNNING"], process)
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        assert end(process, place).code == 3
    finally:
        process.kill()


def test_a_terminal_that_is_closed_ends_its_run(place: Path) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        command(*LONG, "hydra.run.dir=R"),
        cwd=place,
        env=environment(),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    try:
        os.close(its)
        while statuses(place / "outputs" / "mlflow.db") != ["RUNNING"]:
            assert process.poll() is None
            time.sleep(0.02)
        os.close(ours)
        assert process.wait(60) == 3
    finally:
        process.kill()
    assert statuses(place / "outputs" / "mlflow.db") == ["KILLED"]
    assert read_json(place / "R" / "status.json")["message"].startswith("interrupted")
    assert not [path for path in (place / "R").rglob("*") if path.suffix in (".lock", ".part")]


def test_a_run_that_lives_is_left_alone_and_one_that_was_killed_is_told(place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    process = start(place, *LONG, "hydra.run.dir=here")
    try:
        wait_until(lambda: statuses(database) == ["RUNNING"], process)
        assert "running" in run(place, "runs").out
        assert statuses(database) == ["RUNNING"]
        second = run(place, "data.samples=3", "hydra.run.dir=here")
        assert (second.code, second.out) == (3, "")
        assert second.err == f"runner: {place / 'here'}: process {process.pid} records there\n"
    finally:
        process.kill()
        process.communicate()
    listed = run(place, "runs")
    assert (listed.code, listed.err) == (0, "")
    assert "killed" in listed.out
    assert statuses(database) == ["KILLED"]
    assert recorded(client(place))[0].info.end_time
    assert not (place / "here" / "run.lock").exists()
    assert run(place, "data.samples=3", "record.plots=false", "hydra.run.dir=here").code == 0
