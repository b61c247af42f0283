"""What the jobs of a sweep have left, printed and recorded."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import AGREE, NOT_FINISHED, RunError
from runner.records.faults import told_failure
from runner.records.journal import as_synced, sync_words
from runner.records.status import STATUS, read_status

if TYPE_CHECKING:
    from runner.records.sweep.parent import Parent


def job_statuses(parent: Parent) -> list[dict[str, Any]]:
    """What each job left, by its number; one that left nothing could not finish.

    A job is known by the sweep's MLflow run: below the folder there may be other runs, and jobs of earlier sweeps.
    """
    return statuses_of(parent.folder, parent.run_id, parent.jobs)


def statuses_of(folder: Path, run_id: str | None, jobs: Mapping[int, list[str]]) -> list[dict[str, Any]]:
    """The same of the sweep's folder, MLflow run and jobs."""
    found = [{**read_status(path.parent), "folder": str(path.parent)} for path in folder.rglob(STATUS)]
    by_number = {s["number"]: s for s in found if s.get("sweep") == run_id}
    lost = {"status": NOT_FINISHED, "folder": None}
    return [by_number.get(n, {**lost, "number": n, "overrides": asked}) for n, asked in sorted(jobs.items())]


def record(parent: Parent, statuses: Sequence[Mapping[str, Any]], stopped: bool = False) -> bool:
    """Records the sweep and says where; False, having told why, if that could not be done."""
    from runner.records.console import open_console
    from runner.records.sweep import record_sweep

    try:
        places = record_sweep(parent, statuses, stopped)
    except RunError as error:
        print(f"runner: {error}", file=sys.stderr)
        return False
    except Exception as error:  # told in one line as that of a job is
        print(f"runner: {told_failure(parent.folder, error)}", file=sys.stderr)
        return False
    out = open_console()
    for label, text in places.items():
        out.print(f"{label:<12} {text}", markup=False)
    if parent.unsent is not None:
        print(f"runner: {sync_words(parent.unsent, parent.folder, parent.folder)}", file=sys.stderr)
    return parent.unsent is None


def show(statuses: Sequence[Mapping[str, Any]], folder: Path, going_on: str = "") -> None:
    """Prints a row a job, and the sweep's folder; of a sweep that was stopped also what is typed to go on."""
    from rich.text import Text

    from runner.records.console import open_console, plain_table
    from runner.records.words import number

    out = open_console()
    table = plain_table(["job", "overrides", "verdict"], "job", "overrides", "last loss", "roundings", "verdict")
    for s in statuses:
        loss = "-" if s.get("loss") is None else f"{s['loss']:.6g}"
        roundings = "-" if s.get("roundings") is None else number(s["roundings"])
        verdict = s.get("verdict") or s.get("message") or "could not finish"
        style = "green" if as_synced(s)["status"] == AGREE else "bold red"
        table.add_row(str(s["number"]), Text(" ".join(s["overrides"])), loss, roundings, Text(verdict, style))
    agree = sum(as_synced(s)["status"] == AGREE for s in statuses)
    out.print()
    out.print(table)
    out.print()
    out.print(Text(f"{agree} of {len(statuses)} jobs agree"))
    out.print(Text(f"sweep folder {folder}"))
    if going_on:
        out.print(Text(f"to go on     {going_on}"))
