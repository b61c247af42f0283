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
from contextlib import ExitStack, contextmanager, suppress
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
MOST = 12
"""Kills of one sweep."""


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

    def start(self, more: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts the sweep in processes of its own."""
        nowhere = subprocess.DEVNULL
        words = command(*self.words, *more)
        return subprocess.Popen(
            words, cwd=self.folder, env=environment(), stdout=nowhere, stderr=nowhere, start_new_session=True
        )

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
        return [f"{point}: {text}" for text in _ended(code) + here.ends_well(before)]


def killed_at_random(template: Path, dice: random.Random, most: int = MOST) -> tuple[int, list[str]]:
    """Kills a sweep, and what resumes it, at most so often, then lets it be: how many kills, and what does not hold."""
    kills, finished = 0, set[str]()
    with place(template, EIGHT) as here:
        begun = time.monotonic()
        assert here.run(False) == 0
        longest = time.monotonic() - begun
    with place(template, EIGHT) as here:
        code = here.run(False, KILL_AFTER=str(dice.uniform(0, longest)))
        while code is None:
            kills += 1
            lost = finished - here.finished()
            if lost:
                return kills, [f"after {kills} kills: runs {lost} are FINISHED no more"]
            finished = here.finished()
            code = here.run(True, **({"KILL_AFTER": str(dice.uniform(0, longest))} if kills < most else {}))
        return kills, _ended(code) + here.ends_well(finished)


def killed_in_processes(template: Path, dice: random.Random, most: int = MOST) -> tuple[int, list[str]]:
    """The same through joblib: all of its processes are killed, or the one that launched them, or one worker."""
    kills, finished, resume = 0, set[str](), list[str]()
    with place(template, JOBLIB) as here:
        begun = time.monotonic()
        assert here.start([]).wait() == 0
        longest = time.monotonic() - begun
    with place(template, JOBLIB) as here, ExitStack() as orphans:
        while (code := _killed(here.start(resume), dice, longest if kills < most else None, orphans)) is None:
            kills, resume, finished = kills + 1, ["resume=true"], here.finished()
        return kills, _ended(code) + here.ends_well(finished)


def _ended(code: int | None) -> list[str]:
    return [] if code == 0 else [f"resume ends with {code}"]


def _killed(
    process: subprocess.Popen[bytes], dice: random.Random, longest: float | None, orphans: ExitStack
) -> int | None:
    """Kills it before ``longest`` seconds are over; the exit code of one that has ended by then, else none.

    ``orphans`` ends the workers of a launcher that was killed, which are at their jobs still, at the end of it all.
    """
    try:
        return process.wait(None if longest is None else dice.uniform(0, longest))
    except subprocess.TimeoutExpired:
        pass
    workers, whom = _workers(process.pid), dice.choice(WHOM)
    if whom == "all" or (whom == "worker" and not workers):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        for worker in workers if whom == "launcher" else ():
            with suppress(ProcessLookupError):
                orphans.callback(_end, os.pidfd_open(worker))
        os.kill(process.pid if whom == "launcher" else workers[0], signal.SIGKILL)
    process.wait()
    return None


def _end(process: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, signal.SIGKILL)
    os.close(process)


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
