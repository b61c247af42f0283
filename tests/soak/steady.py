"""One process that records all the time, and what it holds of the machine: memory, open files and threads."""

from __future__ import annotations

import statistics
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.process import command, environment

EVERY = 5.0
"""Seconds between two looks."""
JOBS_A_MINUTE = 1000
"""More than can be done."""
MORE = {"memory": 1.1, "files": 1.0, "threads": 1.0}
"""What the last quarter of the looks may be of the second one, in their medians."""


@dataclass
class Steady:
    """A sweep of short jobs in one process, and the looks at it: MiB of memory, open files, threads."""

    process: subprocess.Popen[bytes]
    looks: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MORE})
    done: threading.Event = field(default_factory=threading.Event)
    code: int | None = None

    def watch(self) -> None:
        """Looks until it is told that it is done."""
        place = Path(f"/proc/{self.process.pid}")
        while not self.done.wait(EVERY) and self.process.poll() is None:
            lines = (place / "status").read_text(encoding="utf-8").splitlines()
            told = dict(line.split(":", 1) for line in lines)
            self.looks["memory"].append(int(told["VmRSS"].split()[0]) / 1024)
            self.looks["threads"].append(int(told["Threads"]))
            self.looks["files"].append(len(list((place / "fd").iterdir())))

    def quarters(self, name: str) -> tuple[float, float]:
        """The medians of the second quarter of the looks, when all is loaded, and of the last."""
        looks = self.looks[name]
        quarter = len(looks) // 4
        return statistics.median(looks[quarter : 2 * quarter]), statistics.median(looks[-quarter:])

    def stop(self) -> None:
        """Tells the process to end, as one that has jobs to come."""
        self.process.terminate()
        self.code = self.process.wait()

    def findings(self) -> list[str]:
        """What is not flat, or whether it did not end as it was told."""
        found = [] if self.code == 3 else [f"the process that records all the time ends with {self.code}"]
        for name, most in MORE.items():
            before, after = self.quarters(name)
            if after > most * before:
                found.append(f"{name} of one process grow from {before:.0f} to {after:.0f}")
        return found


@contextmanager
def steady(folder: Path, minutes: float) -> Iterator[Steady]:
    """Starts it in ``folder``, and stops it after the block."""
    jobs = f"seed=range(0,{max(100, int(minutes * JOBS_A_MINUTE))})"
    words = command("-m", jobs, "data.samples=10", "record.plots=false", "hydra.sweep.dir=S")
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(words, cwd=folder, env=environment(), stdin=nowhere, stdout=nowhere, stderr=nowhere)
    found = Steady(process)
    watcher = threading.Thread(target=found.watch)
    watcher.start()
    try:
        yield found
    finally:
        found.done.set()
        watcher.join()
        found.stop()
