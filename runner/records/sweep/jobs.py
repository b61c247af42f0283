"""The jobs of a sweep, read from the folders that they left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from runner.errors import AGREE, BAD_INPUT, DISAGREE, RunError, one_line
from runner.records.sweep.values import SEED, Value, as_kind, values_of

if TYPE_CHECKING:
    import pandas as pd

READ = (
    *("step", "backend", "reference", "tensor", "max_abs", "roundings", "logic_roundings"),
    *("worst_value", "worst_reference", "error", "reference_error"),
)


@dataclass(frozen=True)
class Job:
    """What a job has left; of one that left nothing, what was asked of it.

    Attributes:
        number: Its number in the sweep.
        folder: None where there is none.
        overrides: As they were typed.
        values: What they set, by their keys, and the seed.
        tracking: The URI of the store and the experiment that it records in; none where it has recorded nothing.
        status: 0 to 3.
        outcome: The verdict, ``rejected`` (status 2) or ``unfinished`` (status 3).
        message: Why there is no verdict; empty where there is one.
        run_id: Of its MLflow run.
        drift: Without lockstep, how far the backends have come apart, in roundings.
        roundings: The worst of all tensors and steps, in the run's dtype.
        logic_roundings: The same in float64.
        backends: The names of those that were compared, the reference's last.
        losses: The first and the last of each backend.
        accuracies: On the held-out samples, of each backend.
    """

    number: int
    folder: Path | None
    overrides: list[str]
    values: Mapping[str, Value]
    status: int
    outcome: str
    message: str
    tracking: tuple[str, str] | None = None
    run_id: str | None = None
    drift: float | None = None
    roundings: float | None = None
    logic_roundings: float | None = None
    backends: tuple[str, ...] = ()
    losses: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    accuracies: Mapping[str, float] = field(default_factory=dict)

    def title(self, keys: Sequence[str]) -> str:
        """Its number, and its values of the swept keys."""
        values = " ".join(f"{key}={as_kind(self.values.get(key), pa.string())}" for key in keys)
        return f"{self.number} ({values})" if values else str(self.number)

    @property
    def last_loss(self) -> float | None:
        """The reference's; None where it is not finite."""
        return self.measures().get(f"last_loss/{self.backends[-1]}") if self.backends else None

    def measures(self) -> dict[str, float]:
        """Its figures that are finite, by their names."""
        found: dict[str, float | None] = {"roundings": self.roundings, "logic_roundings": self.logic_roundings}
        found["drift"] = self.drift
        for name, (first, last) in self.losses.items():
            found |= {f"first_loss/{name}": first, f"last_loss/{name}": last}
        found |= {f"held_out_accuracy/{name}": value for name, value in self.accuracies.items()}
        return {name: value for name, value in found.items() if value is not None and value - value == 0}


def read_job(status: Mapping[str, Any]) -> Job:
    """The job that left this ``status``.

    Raises:
        RunError: A file of its folder cannot be read.
    """
    code = status["status"]
    asked = {
        "number": status["number"],
        "overrides": list(status["overrides"]),
        "status": code,
        "outcome": status.get("verdict") or ("rejected" if code == BAD_INPUT else "unfinished"),
        "message": status.get("message", ""),
        "run_id": status.get("run_id"),
    }
    values = values_of(asked["overrides"])
    folder = None if status["folder"] is None else Path(status["folder"])
    if code == BAD_INPUT or folder is None or not (folder / "config.yaml").is_file():
        return Job(folder=folder, values=values, **asked)
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        values.setdefault(SEED, config["seed"])
        verdict = {}
        if code in (AGREE, DISAGREE):
            verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        backends = _backends(folder / "deviations.parquet") or tuple(status.get("losses") or ())  # of replicas
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunError(one_line(f"job {asked['number']} in {folder}: {error}")) from error
    held_out = (verdict.get("evaluation") or {}).get("held_out") or {}
    return Job(
        folder=folder,
        values=values,
        tracking=(config["tracking"]["uri"], config["tracking"]["experiment"]),
        drift=status.get("drift"),
        roundings=verdict.get("precision_roundings"),
        logic_roundings=verdict.get("logic_roundings"),
        backends=backends,
        losses=status.get("losses") or {},
        accuracies={name: s["accuracy"] for name, s in held_out.items() if s["accuracy"] is not None},
        **asked,
    )


def deviations(job: Job) -> Iterator[pd.DataFrame]:
    """Its deviations, some steps at a time, with each backend's ``loss`` at the step in every row; none if it has none.

    Raises:
        RunError: They cannot be read.
    """
    file = None if job.folder is None else job.folder / "deviations.parquet"
    if file is None or not file.is_file():
        return
    try:
        for table in _groups(file):
            rows = table.to_pandas()
            of_loss = rows[rows["tensor"] == "loss"].set_index(["step", "backend"])["worst_value"]
            yield rows.join(of_loss.rename("loss"), on=["step", "backend"])
    except (OSError, ValueError) as error:
        raise RunError(one_line(f"job {job.number}, {file}: {error}")) from error


def _groups(file: Path) -> Iterator[pa.Table]:
    """The row groups; a comparison is never divided between two."""
    with pq.ParquetFile(file) as source:
        for group in range(source.num_row_groups):
            yield source.read_row_group(group, columns=list(READ))


def _backends(file: Path) -> tuple[str, ...]:
    """The names in a table of deviations, the reference's last: every backend is at its first step."""
    for table in _groups(file) if file.is_file() else ():
        judged, references = (table[name].unique().to_pylist() for name in ("backend", "reference"))
        return (*judged, *references)
    return ()


def backends_of(jobs: Sequence[Job]) -> list[str]:
    """The names of all backends of all jobs, in the order in which they come."""
    return list(dict.fromkeys(name for job in jobs for name in job.backends))
