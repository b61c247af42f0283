"""What is read of a job's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runner.errors import RunError
from runner.records.sweep.jobs import deviations, read_job
from runner.records.sweep.tables import write_jobs, write_rows
from runner.records.tables import SCHEMA


def leave(folder: Path, verdict: str = "{}", steps: int = 4) -> dict[str, Any]:
    """A job's folder, its table in a row group a step; its status."""
    (folder / "config.yaml").write_text("seed: 7\ntracking: {uri: here, experiment: mine}\n", encoding="utf-8")
    (folder / "verdict.json").write_text(verdict, encoding="utf-8")
    with pq.ParquetWriter(folder / "deviations.parquet", SCHEMA) as writer:
        for step in range(steps):
            rows = [
                {"step": step, "backend": backend, "reference": "torch", "tensor": tensor}
                | {"worst_value": 10.0 * step + k + (tensor == "w"), "error": 0.1 * k, "reference_error": 0.5}
                for k, backend in enumerate(("one", "two"))
                for tensor in ("loss", "w")
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    return {"number": 3, "status": 0, "overrides": ["lr=0.5"], "folder": str(folder), "verdict": "agree"}


def test_every_row_has_the_loss_of_its_own_backend_and_step(tmp_path: Path) -> None:
    job = read_job(leave(tmp_path))
    assert job.backends == ("one", "two", "torch")
    assert job.values == {"lr": 0.5, "seed": 7}
    assert job.tracking == ("here", "mine")
    table = pd.concat(list(deviations(job)))
    assert list(table["loss"]) == [10 * step + k for step in range(4) for k in (0, 0, 1, 1)]


def test_each_backends_error_stands_in_a_column_of_its_own(tmp_path: Path) -> None:
    write_rows(tmp_path / "sweep.parquet", [read_job(leave(tmp_path))], ["lr"])
    table = pd.read_parquet(tmp_path / "sweep.parquet")
    assert list(table["error/torch"]) == [0.5] * 16
    assert list(table["error/two"].dropna()) == [0.1] * 8
    assert list(table[table["error/two"].notna()]["backend"].unique()) == ["two"]
    assert list(table["error/one"].dropna()) == [0.0] * 8


def test_every_override_has_a_column_those_that_are_swept_first(tmp_path: Path) -> None:
    shared = {"overrides": ["dtype=float64", "data.low=-2", "lr=0.5", "loss=mse", "architecture.hidden=[4,4]"]}
    jobs = [read_job(leave(tmp_path) | shared)]
    write_rows(tmp_path / "sweep.parquet", jobs, ["lr"])
    write_jobs(tmp_path / "sweep.csv", jobs, ["lr"])
    columns = ["job", "lr", "seed", "dtype", "data.low", "override/loss", "architecture.hidden"]
    table = pd.read_parquet(tmp_path / "sweep.parquet")
    assert list(table.columns[:8]) == [*columns, "step"]
    assert list(table.loc[0, columns]) == [3, 0.5, 7, "float64", -2, "mse", "[4,4]"]
    row = pd.read_csv(tmp_path / "sweep.csv").loc[0]
    assert list(row.index[:8]) == [*columns, "overrides"]
    assert list(row[columns]) == [3, 0.5, 7, "float64", -2, "mse", "[4,4]"]


def test_a_rejected_job_has_nothing_of_a_run_that_lies_in_its_folder(tmp_path: Path) -> None:
    job = read_job(leave(tmp_path) | {"status": 2, "verdict": None})
    assert (job.outcome, job.backends, job.tracking, list(job.values)) == ("rejected", (), None, ["lr"])


def test_a_job_that_left_nothing_is_known_by_what_was_asked_of_it() -> None:
    job = read_job({"number": 5, "status": 3, "overrides": ["lr=0.5", "seed=2"], "folder": None})
    assert (job.outcome, job.values, job.measures()) == ("unfinished", {"lr": 0.5, "seed": 2}, {})
    assert job.title(["lr", "seed"]) == "5 (lr=0.5 seed=2)"
    assert not list(deviations(job))


def test_figures_that_are_not_finite_are_no_measures(tmp_path: Path) -> None:
    status = leave(tmp_path, json.dumps({"precision_roundings": None, "logic_roundings": 2.0}))
    job = read_job(status | {"losses": {"one": [1.0, None], "torch": [2.0, None]}})
    assert job.measures() == {"logic_roundings": 2.0, "first_loss/one": 1.0, "first_loss/torch": 2.0}
    assert job.last_loss is None


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^job 3 in .*: "):
        read_job(leave(tmp_path, "{"))
    status = leave(tmp_path)
    (tmp_path / "deviations.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"^job 3 in .*: "):
        read_job(status)
