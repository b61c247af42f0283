"""What the pages are looked at: a run that agrees, one that is wrong, and a sweep, in one MLflow store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Run

from tests.cli.process import ROOT, end, start
from tests.cli.stores import client, read_json, runs
from tests.sharing import furnish

AGREE = ("lr=0.05", "seed=1", "data.samples=40")
WRONG = ("backend=[missing_slope,torch]", "batch_size=4", "data.samples=12")
SWEEP = ("lr=0.01,0.1", "data.samples=5")
JOBS = ("lr=0.01 data.samples=5", "lr=0.1 data.samples=5")


@dataclass(frozen=True)
class Records:
    """The folder in which the runs were made."""

    root: Path

    def folder(self, name: str) -> Path:
        """The run folder of ``agree`` or ``wrong``."""
        return self.root / name

    def report(self, name: str) -> str:
        """The address of its report."""
        return (self.folder(name) / "report.html").as_uri()

    def verdict(self, name: str) -> Any:
        return read_json(self.folder(name) / "verdict.json")

    def tracked(self, *overrides: str) -> Run:
        """The MLflow run of that name."""
        (found,) = (run for run in runs(client(self.root)) if run.info.run_name == " ".join(overrides))
        return found


def make(root: Path, store: Path) -> None:
    """Makes the three beside each other."""
    furnish(root, store)
    faults = ("--config-dir", str(ROOT / "tests" / "faults" / "conf"))
    commands = (
        (*AGREE, "hydra.run.dir=agree"),
        (*faults, *WRONG, "hydra.run.dir=wrong"),
        ("-m", *SWEEP, "hydra.sweep.dir=sweep"),
    )
    for process, code in zip([start(root, *command) for command in commands], (0, 1, 0), strict=True):
        ended = end(process, root)
        assert ended.code == code, ended.out + ended.err
