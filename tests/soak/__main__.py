"""Sweeps, kills, stops and restarts of a server for half an hour, beside one process that records all the time.

python -m tests.soak [MINUTES] [SEED] [--write FILE] prints what happened and what did not hold, and writes the report
between its marks in FILE.
"""

from __future__ import annotations

import argparse
import platform
import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient

from tests.cli.process import ROOT
from tests.sharing import furnish
from tests.soak.scenes import SCENES, Server, Soak
from tests.soak.steady import MORE, Steady, steady

BEGIN, END = "<!-- the report of make soak -->\n", "<!-- its end -->\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("minutes", nargs="?", type=float, default=30.0)
    parser.add_argument("seed", nargs="?", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    begun, wrong = time.monotonic(), list[str]()
    with TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        MlflowClient(f"sqlite:///{folder}/new.db").search_experiments()
        soak = Soak(
            Path(shutil.copy(folder / "new.db", folder / "template.db")), Server(folder), random.Random(asked.seed)
        )
        furnish(folder / "steady", soak.template)
        soak.server.start()
        try:
            with steady(folder / "steady", asked.minutes) as one:
                while age(begun) < asked.minutes:
                    for scene in soak.dice.sample(SCENES, len(SCENES)):
                        found = [f"{scene.__name__}: {text}" for text in scene(soak)]
                        wrong += found
                        soak.count("scenes")
                        print(
                            *found,
                            f"{age(begun):.1f} min, {scene.__name__}: {len(found)} findings",
                            sep="\n",
                            flush=True,
                        )
        finally:
            soak.server.held.close()
        wrong += one.findings()
        report = _report(asked.seed, age(begun), soak, one, wrong)
    print(report)
    if asked.write is not None:
        _write(asked.write, report)
    return 1 if wrong else 0


def age(begun: float) -> float:
    """Minutes since then."""
    return (time.monotonic() - begun) / 60


def _report(seed: int, minutes: float, soak: Soak, one: Steady, wrong: list[str]) -> str:
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, encoding="utf-8", check=True
    ).stdout.strip()
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {minutes:.0f} minutes, seed {seed}, Python"
        f" {platform.python_version()}:",
        "",
        "| what | how often |",
        "| --- | --- |",
        *(f"| {what} | {number} |" for what, number in sorted(soak.counted.items())),
        f"| restarts of the tracking server | {soak.server.restarts} |",
        f"| findings | {len(wrong)} |",
        "",
        "| of the one process | second quarter | last quarter |",
        "| --- | --- | --- |",
        *(f"| {_unit(name)} | {before:.0f} | {after:.0f} |" for name in MORE for before, after in [one.quarters(name)]),
        "",
        *(f"- {text}" for text in wrong),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _unit(name: str) -> str:
    return {"memory": "memory, MiB", "files": "open files", "threads": "threads"}[name]


def _write(file: Path, report: str) -> None:
    before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    file.write_text(before + BEGIN + report + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
