"""sweep.parquet, a row a job, step and tensor; sweep.csv, a row a job."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from runner.records.files import beside, utf8
from runner.records.sweep.jobs import Job, backends_of, deviations
from runner.records.sweep.values import SEED, Value, as_kind, column_of, kind_of
from runner.records.tables import write_gathered

MEASURES = ("max_abs", "roundings", "logic_roundings", "loss")


def write_rows(path: Path, jobs: Sequence[Job], keys: Sequence[str]) -> None:
    """Writes sweep.parquet, some rows at a time.

    Columns: ``job``, the swept keys, ``seed``, the other overrides, ``step``, ``tensor``, ``backend``, ``max_abs``,
    ``roundings``, ``logic_roundings``, ``loss`` (the backend's at this step) and ``error/<backend>``, each backend's
    distance from its own float64 twin, null in the rows of others.

    Raises:
        RunError: A job's table cannot be read.
    """
    kinds = {key: kind_of([job.values.get(key) for job in jobs]) for key in _columns(jobs, keys)}
    errors = [f"error/{name}" for name in backends_of(jobs)]
    schema = pa.schema(
        [("job", pa.int64())]
        + [(column_of(key), kind) for key, kind in kinds.items()]
        + [("step", pa.int64()), ("tensor", pa.string()), ("backend", pa.string())]
        + [(name, pa.float64()) for name in (*MEASURES, *errors)]
    )
    with beside(path) as part, pq.ParquetWriter(part, schema) as writer:
        write_gathered(writer, (table for job in jobs for table in _tables(job, schema, kinds)))


def _tables(job: Job, schema: pa.Schema, kinds: Mapping[str, pa.DataType]) -> Iterable[pa.Table]:
    alike: dict[str, Value] = {"job": job.number}
    alike |= {column_of(key): as_kind(job.values.get(key), kind) for key, kind in kinds.items()}
    for rows in deviations(job):
        columns = {name: rows[name] for name in ("step", "tensor", "backend", *MEASURES)}
        for name in rows["backend"].unique():
            columns[f"error/{name}"] = rows["error"].where(rows["backend"] == name)
        for name in rows["reference"].unique():
            columns[f"error/{name}"] = rows["reference_error"].where(rows["reference"] == name)
        yield pa.Table.from_arrays(
            [
                pa.array(columns[field.name], field.type, from_pandas=True)
                if field.name in columns
                else pa.repeat(pa.scalar(alike.get(field.name), field.type), len(rows))
                for field in schema
            ],
            schema=schema,
        )


def write_jobs(path: Path, jobs: Sequence[Job], keys: Sequence[str]) -> None:
    """Writes sweep.csv; what is not known is left empty."""
    measures = _names_of_measures(jobs)
    columns = _columns(jobs, keys)
    head = ["job", *map(column_of, columns), "overrides", "status", "verdict", "message", *measures]
    rows = []
    for job in jobs:
        figures = job.measures()
        told = (" ".join(job.overrides), job.status, job.outcome, job.message)
        found = (figures.get(name) for name in measures)
        rows.append([job.number, *map(job.values.get, columns), *told, *found, job.run_id, job.folder])
    write_csv(path, [*head, "run_id", "folder"], rows)


def _columns(jobs: Sequence[Job], keys: Sequence[str]) -> list[str]:
    """The keys that have a column: those that are swept, the seed, and those that every job has alike."""
    return list(dict.fromkeys([*others(keys), SEED, *(key for job in jobs for key in job.values)]))


def _names_of_measures(jobs: Sequence[Job]) -> list[str]:
    """The figures that there are of any job; each backend's losses stand together, the reference last."""
    backends = backends_of(jobs)
    losses = [f"{end}_loss/{name}" for name in backends for end in ("first", "last")]
    scored = [f"held_out_accuracy/{name}" for name in backends if any(name in job.accuracies for job in jobs)]
    drift = ["drift"] if any(job.drift is not None for job in jobs) else []
    return ["roundings", "logic_roundings", *drift, *losses, *scored]


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table whole."""
    with beside(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([utf8(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def others(keys: Iterable[str]) -> list[str]:
    """The swept keys but for the seed."""
    return [key for key in keys if key != SEED]
