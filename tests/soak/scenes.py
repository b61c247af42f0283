"""What befalls sweeps and runs while a soak goes on; each scene tells what does not hold at its end."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.process import command, environment
from tests.kills.campaign import JOBLIB, killed_at_random, killed_in_processes
from tests.kills.invariants import findings
from tests.ports import free_port
from tests.servers.tracking import tracking
from tests.sharing import furnish

SWEEP = ("-m", "seed=range(0,12)", "data.samples=20", "record.plots=false", "hydra.sweep.dir=S")
LONG = ("data.samples=3000", "record.plots=false", "checkpoint.every=200", "hydra.run.dir=R")
AWAY = (0.5, 20.0, 45.0)
"""Seconds for which the server may be gone: less and more than a run waits for it."""
KILLS = 4
"""Of one sweep, or one run, at most."""


@dataclass
class Server:
    """A tracking server that can be killed and started again, at the same address."""

    folder: Path
    port: int = field(default_factory=free_port)
    restarts: int = 0
    held: ExitStack = field(default_factory=ExitStack)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        store = f"sqlite:///{self.folder / 'server.db'}"
        self.held.enter_context(tracking(self.folder / "server", store, {}, "--workers", "1", port=self.port))

    def kill(self) -> None:
        self.held.close()
        self.restarts += 1


@dataclass
class Soak:
    """What the scenes share, and what they have counted."""

    template: Path
    server: Server
    dice: random.Random
    counted: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counted[what] = self.counted.get(what, 0) + number


def killed_sweep(soak: Soak) -> list[str]:
    """A sweep in one process, and what resumes it, are killed."""
    kills, found = killed_at_random(soak.template, soak.dice, KILLS)
    soak.count("kills of a sweep in one process", kills)
    return found


def killed_workers(soak: Soak) -> list[str]:
    """The processes of a sweep by joblib are killed, all or one of them."""
    kills, found = killed_in_processes(soak.template, soak.dice, KILLS)
    soak.count("kills of a sweep in three processes", kills)
    return found


def stopped_sweep(soak: Soak) -> list[str]:
    """A sweep by joblib is told to stop, and resumed."""
    with TemporaryDirectory(prefix="stopped-") as folder:
        place = Path(folder, "place")
        furnish(place, soak.template)
        process = _start(place, JOBLIB)
        time.sleep(soak.dice.uniform(0, 15))
        number = soak.dice.choice((signal.SIGINT, signal.SIGTERM))
        os.kill(process.pid, number)
        code = process.wait()
        soak.count("sweeps stopped")
        found = [] if code in (0, 3, -number) else [f"a stopped sweep ends with {code}"]
        found += _ends(place, (*JOBLIB, "resume=true"))
        return found + findings(f"sqlite:///{place / 'outputs' / 'mlflow.db'}", place / "S")


def server_away(soak: Soak) -> list[str]:
    """The server of a sweep is killed, and is there again some time later; what was not told is brought in."""
    with TemporaryDirectory(prefix="away-") as folder:
        place = Path(folder)
        words = (*SWEEP, f"tracking.uri={soak.server.address}")
        process = _start(place, words)
        away = threading.Thread(target=_restart, args=(soak, soak.dice.uniform(0, 20), soak.dice.choice(AWAY)))
        away.start()
        code = process.wait()
        away.join()
        soak.count("sweeps whose server was killed")
        found = [] if code in (0, 3) else [f"a sweep without its server ends with {code}"]
        if code == 3 and (place / "S" / "sweep.json").exists():
            soak.count("sweeps brought in by sync")
            found += _ends(place, ("sync", "S"))
        found += _ends(place, (*words, "resume=true") if (place / "S" / "sweep.json").exists() else words)
        return found + [text for text in findings(soak.server.address, place / "S") if "is RUNNING" not in text]


def killed_run(soak: Soak) -> list[str]:
    """A long run is killed between its checkpoints, and its bits are those of one that was not."""
    with TemporaryDirectory(prefix="long-") as folder:
        whole, broken = Path(folder, "whole"), Path(folder, "broken")
        for place in (whole, broken):
            furnish(place, soak.template)
        begun = time.monotonic()
        found = _ends(whole, LONG)
        longest = time.monotonic() - begun
        for _ in range(KILLS):
            process = _start(broken, (*LONG, "resume=true") if (broken / "R").exists() else LONG)
            try:
                process.wait(soak.dice.uniform(0, longest))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                soak.count("kills of a run with checkpoints")
        found += _ends(broken, (*LONG, "resume=true") if (broken / "R").exists() else LONG)
        names = ("deviations.parquet", "gradients.safetensors", "parameters.safetensors", "verdict.json")
        return found + [f"{name} has other bits" for name in names if _digest(whole, name) != _digest(broken, name)]


SCENES: tuple[Callable[[Soak], list[str]], ...] = (
    killed_sweep,
    killed_workers,
    stopped_sweep,
    server_away,
    killed_run,
)


def _restart(soak: Soak, after: float, away: float) -> None:
    time.sleep(after)
    soak.server.kill()
    time.sleep(away)
    soak.server.start()


def _start(place: Path, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        command(*words),
        cwd=place,
        env=environment(),
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        start_new_session=True,
    )


def _ends(place: Path, words: tuple[str, ...]) -> list[str]:
    code = _start(place, words).wait()
    return [] if code == 0 else [f"{' '.join(words)} ends with {code}"]


def _digest(place: Path, name: str) -> str:
    return hashlib.sha256((place / "R" / name).read_bytes()).hexdigest()
