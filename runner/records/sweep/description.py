"""What MLflow shows as the description of a sweep's parent run (``mlflow.note.content``): Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runner.records.description import escaped, fitting
from runner.records.sweep.jobs import Job
from runner.records.sweep.summary import OUTCOMES, counts
from runner.records.sweep.tables import others
from runner.records.sweep.values import SEED
from runner.records.words import number

MOST_JOBS = 30


def sweep_description(jobs: Sequence[Job], keys: Sequence[str], extremes: Mapping[str, str]) -> str:
    """How many jobs ended in which way, the best and the worst, and a row a job; of many, those that went worst."""
    ended = ", ".join(f"{n} {outcome}" for outcome, n in counts(jobs).items())
    lines = [f"**A sweep of {len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}: {ended}**"]
    lines += (
        ["", *(f"- {key.replace('_', ' ')}: {escaped(text)}" for key, text in extremes.items())] if extremes else []
    )
    return fitting("\n".join([*lines, "", *_table(jobs, keys)]), "sweep.csv")


def _table(jobs: Sequence[Job], keys: Sequence[str]) -> list[str]:
    columns = [*others(keys), SEED]
    rows, told = list(jobs), []
    if len(rows) > MOST_JOBS:
        told = ["", f"The {MOST_JOBS} of {len(rows)} jobs that went worst; sweep.csv has all."]
        rows = sorted(rows, key=_badness)[:MOST_JOBS]
    head = ["job", *columns, "last loss", "roundings", "verdict"]
    marks = ["---:", *("---" for _ in columns), "---:", "---:", "---"]
    return [_line(map(escaped, head)), _line(marks), *(_row(job, columns) for job in rows), *told]


def _badness(job: Job) -> tuple[int, float]:
    return -OUTCOMES.index(job.outcome), -job.measures().get("roundings", 0.0)


def _row(job: Job, columns: Sequence[str]) -> str:
    values = [str(job.values.get(key, "")) for key in columns]
    loss = "-" if job.last_loss is None else f"{job.last_loss:.6g}"
    roundings = job.measures().get("roundings")
    verdict = job.outcome if not job.message else f"{job.outcome}: {job.message}"
    return _line(
        map(escaped, [str(job.number), *values, loss, "-" if roundings is None else number(roundings), verdict])
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
