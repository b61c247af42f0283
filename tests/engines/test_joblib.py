"""`hydra/launcher=joblib`: two processes of this machine."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from runner.launching.workers import LOOK
from tests.cli.process import environment, run
from tests.cli.warm import SAFETY
from tests.engines.sweeps import FUNCTION, SHORT, alone, hashes, notes, parent, statuses, sweep, verdicts

JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


def test_a_sweep_in_two_processes_has_the_bits_of_runs_alone(place: Path) -> None:
    done = sweep(place, *JOBLIB, "seed=1,2", *SHORT)
    assert (done.code, done.err) == (0, "")
    assert "2 of 2 jobs agree" in done.out
    assert parent(place).info.status == "FINISHED"
    environments = []
    for job, seed in ((0, 1), (1, 2)):
        folder = place / "swept" / str(job)
        assert hashes(folder) == alone(place, seed)
        environments += [folder / "environment.json", place / "alone" / str(seed) / "environment.json"]
    assert len({file.read_bytes() for file in environments}) == 1
    replayed = run(place, "replay", "swept/0")
    assert replayed.code == 0
    assert "reproduced bit by bit" in replayed.out


def test_each_worker_computes_with_one_thread_and_tells_a_mismatch(place: Path) -> None:
    done = sweep(place, *JOBLIB, "architecture.hidden=[4],[5]", *FUNCTION)
    assert (done.code, done.err) == (1, "")
    assert verdicts(place) == {"0": "agree", "1": "mismatch"}
    found = notes(place)
    assert len(found) == 2
    assert {(threads, note["torch"]) for note in found for threads in note["blas"]} == {(1, 1)}


def test_a_worker_that_is_killed_ends_the_sweep_and_what_had_ended_is_whole(place: Path) -> None:
    done = sweep(place, *JOBLIB, "architecture.hidden=[4],[6]", *FUNCTION)
    assert done.code == 3
    assert done.err.startswith("runner: hydra/launcher=joblib: TerminatedWorkerError: ")
    assert done.err.count("\n") == 1
    assert parent(place).info.status == "FAILED"
    found = verdicts(place)
    assert "1" not in found
    assert "RUNNING" not in statuses(place).values()
    assert found in ({}, {"0": "agree"})  # all workers die with the one that was killed
    assert (statuses(place).get("4") == "FINISHED") == (found == {"0": "agree"})


def test_workers_whose_launcher_was_killed_come_to_the_end_of_their_jobs_and_end(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "tests.engines.orphans")
    launcher = subprocess.Popen(words, cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
    with ExitStack() as held:
        held.callback(launcher.kill)
        begun = [tmp_path / "0.begun", tmp_path / "1.begun"]
        while not all(file.exists() and file.read_text() for file in begun):
            assert launcher.poll() is None
            time.sleep(0.02)
        workers = [os.pidfd_open(int(file.read_text())) for file in begun]
        for worker in workers:
            held.callback(os.close, worker)
            held.callback(kill, worker)
        launcher.kill()
        launcher.wait()
        time.sleep(2 * LOOK)
        assert select.select(workers, [], [], 0)[0] == []
        (tmp_path / "go").touch()
        for worker in workers:
            assert select.select([worker], [], [], SAFETY)[0]
        assert {file.name for file in tmp_path.glob("*.ended")} == {"0.ended", "1.ended"}


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, signal.SIGKILL)
