"""Faults as a person runs them: `python -m runner -m --config-dir tests/faults/conf backend=...`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.cli.process import run
from tests.faults.fault import Fault
from tests.helpers import FAULTS as CONF


@dataclass(frozen=True)
class Seen:
    """What the program wrote about a fault, and whether it is what the table has."""

    fault: Fault
    verdict: dict[str, Any]

    @property
    def found(self) -> bool:
        first = self.verdict["first"]
        return self.verdict["verdict"] == self.fault.verdict and (first["backend"], first["step"], first["tensor"]) == (
            self.fault.name,
            self.fault.step,
            self.fault.tensor,
        )

    @property
    def cause(self) -> str:
        """The names of the causes."""
        explanation = self.verdict["explanations"].get(self.fault.name)
        if explanation is None:
            return ""
        return ", ".join(cause["name"] for cause in explanation["causes"]) or "unknown"

    @property
    def named(self) -> bool:
        return self.fault.cause in self.cause.split(", ")

    def __str__(self) -> str:
        first = self.verdict["first"] or {"step": "-", "tensor": "-"}
        place = f"step {first['step']}  {first['tensor']:<22}"
        marks = "" if self.found and self.named else f"   expected: {self.fault.verdict}, {self.fault.cause}"
        return f"{self.fault.name:<28}{self.verdict['verdict']:<11}{place}{self.cause}{marks}"


def groups(faults: Sequence[Fault]) -> list[list[Fault]]:
    """Those under the same overrides together: a sweep each."""

    def overrides(fault: Fault) -> list[str]:
        return fault.on()[1:]

    return [list(group) for _, group in groupby(sorted(faults, key=overrides), key=overrides)]


def sweep(faults: Sequence[Fault], folder: Path) -> list[Seen]:
    """Runs faults that have the same overrides, in one process in ``folder``; fails where a job left no verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    backends = ",".join(f"[{fault.name},torch]" for fault in faults)
    keys = [f"backend={backends}", *faults[0].on()[1:], "record.plots=false", "hydra.sweep.dir=jobs"]
    finished = run(folder, "-m", "--config-dir", str(CONF), *keys)
    assert finished.code == 1, finished
    files = [folder / "jobs" / str(i) / "verdict.json" for i in range(len(faults))]
    assert all(file.exists() for file in files), finished
    return [Seen(f, json.loads(file.read_text(encoding="utf-8"))) for f, file in zip(faults, files, strict=True)]
