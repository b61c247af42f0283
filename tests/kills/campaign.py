"""Sweeps that are killed and resumed: at every point of a short one, and at random moments.

python -m tests.kills.campaign [SEED] does all of it, which takes a while, and prints what did not hold; the short form
is a test.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient

from tests.cli.process import command, environment, warm_process
from tests.kills.invariants import findings
from tests.sharing import furnish

TWO = ("-m", "lr=0.01,0.05", "data.samples=3", "record.plots=false", "hydra.sweep.dir=S")
EIGHT = ("-m", "lr=0.01,0.02,0.05,0.1", "seed=1,2", "data.samples=3", "record.plots=false", "hydra.sweep.dir=S")
JOBLIB = (*EIGHT, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
WHOM = ("all", "launcher", "worker")
LONGEST = 6.0
"""Seconds after which a sweep of EIGHT is killed at the latest, that is not through by then."""
TRIES = 40


@dataclass
class Place:
    """A folder with a store of its own, and a sweep in it."""

    folder: Path
    words: Sequence[str]

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'outputs' / 'mlflow.db'}"

    def run(self, resume: bool, **more: str) -> int | None:
        """The exit code of the sweep; None if it was killed. ``more`` is what the driver is told."""
        words = [*self.words, *(["resume=true"] if resume else [])]
        env = environment(RUN_MODULE="tests.kills.driver", **more)
        try:
            return warm_process().run(self.folder, words, env)[0]
        except RuntimeError:
            return None

    def finished(self) -> set[str]:
        """The ids of all FINISHED runs of jobs."""
        client = MlflowClient(self.store)
        experiments = [e.experiment_id for e in client.search_experiments()]
        found = client.search_runs(experiments, "attributes.status = 'FINISHED'")
        return {run.info.run_id for run in found if "job_key" in run.data.tags}

    def ends_well(self, before: set[str]) -> list[str]:
        """What does not hold now; ``before`` had FINISHED before the sweep was resumed."""
        gone = [f"run {run_id}, which was FINISHED, is no more" for run_id in before - self.finished()]
        return gone + findings(self.store, self.folder / "S")


@contextmanager
def place(template: Path, words: Sequence[str]) -> Iterator[Place]:
    """A new one; ``template`` is a migrated store."""
    with TemporaryDirectory(prefix="killed-") as folder:
        furnish(Path(folder) / "place", template)
        yield Place(Path(folder) / "place", words)


def points(template: Path) -> list[str]:
    """Before and after every call of a short sweep that changes disk or store, as the driver names them."""
    with place(template, TWO) as here:
        counts = here.folder / "counts"
        assert here.run(False, COUNT_TO=str(counts)) == 0
        calls = counts.read_text(encoding="utf-8").splitlines()
    return [f"{call} {when}" for call in calls for when in ("before", "after")]


def killed_at(template: Path, point: str) -> list[str]:
    """What does not hold of a short sweep that was killed there, and resumed."""
    with place(template, TWO) as here:
        if here.run(False, KILL_AT=point) is not None:
            return [f"{point}: was not killed"]
        before = here.finished()
        code = here.run(True)
        wrong = [] if code == 0 else [f"resume ends with {code}"]
        return [f"{point}: {text}" for text in wrong + here.ends_well(before)]


def killed_at_random(template: Path, dice: random.Random) -> tuple[int, list[str]]:
    """Kills a sweep, and what resumes it, until one is through: how many kills, and what does not hold then."""
    with place(template, EIGHT) as here:
        kills, code = 0, here.run(False, KILL_AFTER=str(dice.uniform(0.3, LONGEST)))
        while code is None and kills < TRIES:
            kills += 1
            before = here.finished()
            code = here.run(True, KILL_AFTER=str(dice.uniform(0.3, LONGEST)))
            lost = before - here.finished()
            if lost:
                return kills, [f"after {kills} kills: runs {lost} are FINISHED no more"]
        wrong = [] if code == 0 else [f"resume ends with {code}"]
        return kills, wrong + here.ends_well(set())


def killed_in_processes(template: Path, dice: random.Random) -> tuple[int, list[str]]:
    """The same through joblib: all of its processes are killed, or the one that launched them, or one worker."""
    with place(template, JOBLIB) as here:
        kills, code, resume = 0, -signal.SIGKILL, list[str]()
        while code != 0 and kills < TRIES:
            process = subprocess.Popen(
                command(*here.words, *resume),
                cwd=here.folder,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            kills += _kill(process, dice.choice(WHOM), dice.uniform(2, 3 * LONGEST))
            code, resume = process.wait(), ["resume=true"]
        return kills, ([] if code == 0 else [f"resume ends with {code}"]) + here.ends_well(set())


def _kill(process: subprocess.Popen[bytes], whom: str, seconds: float) -> int:
    """1 if it was killed in time."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    else:
        return 0
    workers = _workers(process.pid)
    if whom == "all" or (whom == "worker" and not workers):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        os.kill(process.pid if whom == "launcher" else workers[0], signal.SIGKILL)
    return 1


def _workers(parent: int) -> list[int]:
    """The processes that run its jobs."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text(encoding="utf-8").splitlines()
            words = (status.parent / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if f"PPid:\t{parent}" in lines and b"popen_loky" in words:
            found.append(int(status.parent.name))
    return found


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)
    begun, dice, wrong = time.monotonic(), random.Random(seed), list[str]()
    with TemporaryDirectory(prefix="kills-") as folder:
        MlflowClient(f"sqlite:///{folder}/new.db").search_experiments()
        template = Path(shutil.copy(Path(folder, "new.db"), Path(folder, "template.db")))
        every = points(template)
        for point in every:
            wrong += _tell(killed_at(template, point))
        print(f"{len(every)} points, each killed once: {len(wrong)} findings", flush=True)
        for name, kill, wanted in (("basic", killed_at_random, 70), ("joblib", killed_in_processes, 30)):
            kills = sweeps = 0
            while kills < wanted:
                more, found = kill(template, dice)
                kills, sweeps, wrong = kills + more, sweeps + 1, wrong + _tell(found)
            print(f"{name}: {kills} kills at random in {sweeps} sweeps", flush=True)
    print(f"{len(wrong)} findings, {time.monotonic() - begun:.0f} s, seed {seed}")
    return 1 if wrong else 0


def _tell(found: list[str]) -> list[str]:
    for text in found:
        print(text, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
