"""What is recorded of a sweep: its parent run, and the tables and the plot over all its jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import BAD_INPUT, NOT_FINISHED
from runner.records.journal import as_synced
from runner.records.sweep.description import sweep_description
from runner.records.sweep.jobs import Job, read_job
from runner.records.sweep.parent import FOUND, Parent
from runner.records.sweep.summary import (
    OUTCOMES,
    counts,
    extremes,
    metrics_of,
    metrics_of_job,
    optimum,
    seeds_swept,
    write_summary,
)
from runner.records.sweep.tables import write_jobs, write_rows

FILES = ("sweep.parquet", "sweep.csv", "summary.csv", "sweep.png")


def record_sweep(parent: Parent, statuses: Sequence[Mapping[str, Any]], stopped: bool = False) -> dict[str, str]:
    """Ends the sweep: tables and plot from the jobs' folders, into its own folder and its parent run.

    A sweep of which every job was rejected leaves neither.

    Args:
        parent: The sweep.
        statuses: What each job left, in the order of their numbers. A job of which MLflow was not told all has done
            its work: it counts as what it has come to.
        stopped: Whether it was interrupted.

    Returns:
        What to say of it, under labels.

    Raises:
        RunError: A job's file cannot be read, or MLflow's store refuses.
    """
    statuses = [as_synced(status) for status in statuses]
    codes = {status["status"] for status in statuses}
    if codes == {BAD_INPUT}:
        parent.withdraw()
        return {}
    status = "KILLED" if stopped else "FAILED" if NOT_FINISHED in codes else "FINISHED"
    try:
        jobs = [read_job(left) for left in statuses]
        files = _write(parent.folder, jobs, list(parent.keys), parent.title)
        for job in jobs:
            parent.log(metrics_of_job(job), job.number)
        told = [name for name in OUTCOMES if parent.has_logged(f"sweep/{name}")]
        parent.log(metrics_of(jobs, told))
        found = optimum(parent.folder)
    except BaseException:
        parent.finish("KILLED" if stopped else "FAILED", {}, [])
        raise
    best_and_worst = extremes(jobs, list(parent.keys)) | found
    tags = {f"jobs.{name}": str(n) for name, n in counts(jobs, told).items()} | best_and_worst
    tags["mlflow.note.content"] = sweep_description(jobs, list(parent.keys), best_and_worst)
    parent.finish(status, tags, files)
    shown = {key.replace("_", " "): text for key, text in best_and_worst.items()}
    return shown | {"MLflow run": f"{parent.run_id} in experiment {parent.experiment}"} | _apart(parent, jobs)


def _apart(parent: Parent, jobs: Sequence[Job]) -> dict[str, str]:
    """The jobs that MLflow does not show below the sweep."""
    elsewhere = [job.tracking for job in jobs if job.tracking is not None and not parent.holds(*job.tracking)]
    if not elsewhere:
        return {}
    places = sorted({name if uri == parent.uri else f"{name} of {uri}" for uri, name in elsewhere})
    where = f"experiment{'s' if len(places) > 1 else ''} {', '.join(places)}"
    return {"not nested": f"{len(elsewhere)} of {len(jobs)} jobs, in {where}: MLflow nests within one experiment only"}


def _write(folder: Path, jobs: Sequence[Job], keys: list[str], title: str) -> list[Path]:
    """The files that there are of these jobs; those of an earlier sweep in the folder go."""
    from runner.records.sweep.plot import draw_sweep

    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    write_rows(folder / "sweep.parquet", jobs, keys)
    write_jobs(folder / "sweep.csv", jobs, keys)
    if seeds_swept(keys):
        write_summary(folder / "summary.csv", jobs, keys)
    if keys:
        draw_sweep(folder / "sweep.png", jobs, keys, title)
    return [folder / name for name in (*FILES, FOUND) if (folder / name).is_file()]
