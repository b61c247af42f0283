"""What a sweep shows: quantiles over the seeds, counts, and which jobs were the best and the worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from runner.errors import RunError, one_line
from runner.records.sweep.jobs import Job
from runner.records.sweep.parent import FOUND
from runner.records.sweep.tables import others, write_csv
from runner.records.sweep.values import SEED, Value, column_of
from runner.records.words import number
from runner.shell import shell_line

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
OUTCOMES = ("agree", "imprecise", "mismatch", "undecided", "diverged", "rejected", "unfinished")
"""How a job may end, from the best to the worst."""


def combinations(jobs: Sequence[Job], keys: Sequence[str]) -> dict[tuple[Value, ...], list[Job]]:
    """The jobs that differ by their seeds alone, by the values of the other keys."""
    found: dict[tuple[Value, ...], list[Job]] = {}
    for job in jobs:
        found.setdefault(tuple(job.values.get(key) for key in others(keys)), []).append(job)
    return found


def write_summary(path: Path, jobs: Sequence[Job], keys: Sequence[str]) -> None:
    """Writes summary.csv, a row a combination of the other keys and a measure: how many jobs have it, its quantiles."""
    rows: list[list[object]] = []
    for combination, alike in combinations(jobs, keys).items():
        measured = [job.measures() for job in alike]
        for measure in dict.fromkeys(name for figures in measured for name in figures):
            values = [figures[measure] for figures in measured if measure in figures]
            rows.append(
                [*combination, measure, len(values), *map(float, np.quantile(values, list(QUANTILES.values())))]
            )
    write_csv(path, [*map(column_of, others(keys)), "measure", "jobs", *QUANTILES], rows)


def counts(jobs: Sequence[Job], told: Collection[str] = ()) -> dict[str, int]:
    """How many jobs ended in each way; ``agree``, and what was ``told`` before, also where none did."""
    found = Counter(job.outcome for job in jobs)
    return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome] or outcome in ("agree", *told)}


def extremes(jobs: Sequence[Job], keys: Sequence[str]) -> dict[str, str]:
    """``best_job``, by the reference's last loss, and ``worst_job``, by the roundings; neither where none has any.

    The best is one of those that agree, if any does.
    """
    found = {}
    losses, all_agree = _losses(jobs)
    if losses:
        loss, best = min(losses, key=lambda pair: pair[0])
        among = "" if all_agree else " of those that agree" if best.outcome == "agree" else "; no job agrees"
        found["best_job"] = f"{best.title(keys)}: last loss {loss:.6g} of {best.backends[-1]}, the smallest{among}"
    figures = [(job.measures()["roundings"], job) for job in jobs if "roundings" in job.measures()]
    if figures:
        roundings, worst = max(figures, key=lambda pair: pair[0])
        found["worst_job"] = f"{worst.title(keys)}: {number(roundings)} roundings, the most"
    return found


def optimum(folder: Path) -> dict[str, str]:
    """What a sweeper that searches has found, under ``optimum``; nothing where it has left nothing, or several.

    Raises:
        RunError: What it left cannot be read.
    """
    if not (folder / FOUND).is_file():
        return {}
    try:
        left = yaml.safe_load((folder / FOUND).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunError(one_line(f"{folder / FOUND}: {error}")) from error
    if "best_value" not in left:
        return {}
    return {"optimum": f"{left['best_value']:.6g} ({shell_line([f'{k}={v}' for k, v in left['best_params'].items()])})"}


def _losses(jobs: Sequence[Job]) -> tuple[list[tuple[float, Job]], bool]:
    """The last losses among which the best is sought, and whether they are those of all jobs that have one."""
    known = [(job.last_loss, job) for job in jobs if job.last_loss is not None]
    agreed = [(loss, job) for loss, job in known if job.outcome == "agree"]
    return agreed or known, len(agreed) == len(known)


def metrics_of(jobs: Sequence[Job], told: Collection[str] = ()) -> dict[str, float]:
    """The sweep's own metrics; how many jobs ended in a way that was ``told`` before is there though none did."""
    found = {"sweep/jobs": float(len(jobs))} | {f"sweep/{name}": float(n) for name, n in counts(jobs, told).items()}
    roundings = [job.measures()["roundings"] for job in jobs if "roundings" in job.measures()]
    losses, _ = _losses(jobs)
    if roundings:
        found["sweep/worst_roundings"] = max(roundings)
    if losses:
        found["sweep/best_loss"] = min(loss for loss, _ in losses)
    return found


def metrics_of_job(job: Job) -> Mapping[str, float]:
    """What a chart over the jobs' numbers shows."""
    return {f"job/{name}": value for name, value in job.measures().items()}


def seeds_swept(keys: Sequence[str]) -> bool:
    """Whether there is anything to take quantiles over."""
    return SEED in keys
