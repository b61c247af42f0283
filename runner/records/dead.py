"""Runs whose process was killed outright: in MLflow they stay RUNNING until somebody looks."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import RunError
from runner.records.environment import HOST
from runner.records.journal import Journal, journals_in, until_synced
from runner.records.lock import RUN_LOCK, SWEEP_LOCK, is_held

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LOCKS = {"run_folder": RUN_LOCK, "sweep_folder": SWEEP_LOCK}
"""By the tag that names a run's folder: the lock in it that the run's process holds."""
SUPERSEDED = "superseded"
"""The tag of a run that had ended, and whose job was run again."""
PARENT = "mlflow.parentRunId"
PAGE = 500


def end_dead_runs(client: MlflowClient, experiments: Sequence[str]) -> list[str]:
    """Sets those to KILLED that are RUNNING although no process records them; ``experiments`` are ids.

    Of runs on this machine alone, by their tags. Returns the ids of those that were ended. One that came to its end,
    and that the store could not be told of, is FAILED until it is brought in.
    """
    here = [run for run in _running(client, experiments) if run.data.tags.get(HOST) == platform.node()]
    free = [run for run in here if not _is_held(run.data.tags)]
    return [run.info.run_id for run in free if _end(client, run)]


def end_dead_runs_below(client: MlflowClient, experiment: str, folder: Path) -> list[tuple[Path, str, str]]:
    """The same of the runs that recorded in ``folder`` or below it, whatever the machine.

    Returns the folder of each, its id and what it was set to.
    """
    place = folder.absolute()
    found = [(path, run) for run in _running(client, [experiment]) for path in _folders(run.data.tags)]
    below = [(path, run) for path, run in found if path.is_relative_to(place) and not _is_held(run.data.tags)]
    return [(path, run.info.run_id, state) for path, run in below if (state := _end(client, run))]


def end_runs_of(client: MlflowClient, experiment: str, tag: str, folder: Path, own: str | None = None) -> list[str]:
    """The same of one folder, whatever the machine: whoever calls this, for its ``own`` run, holds the folder's lock.

    ``tag`` is the one that names the folder.
    """
    place = str(folder.absolute())
    found = [run for run in _running(client, [experiment]) if run.data.tags.get(tag) == place]
    return [run.info.run_id for run in found if run.info.run_id != own and _end(client, run)]


def supersede(client: MlflowClient, experiment: str, folder: Path, sweep: str | None) -> None:
    """Sets the latest FINISHED run of a folder to KILLED, its replicas' too, if it is one of this ``sweep`` (an id).

    Its status is gone, or damaged, so that the job is run again: one run is FINISHED of a job that has ended.
    """
    place = str(folder.absolute())
    words = "attributes.status = 'FINISHED'"
    quotes = [quote for quote in "'\"" if quote not in place]
    if quotes:  # else all are looked at: MLflow knows no escapes
        words += f" and tags.run_folder = {quotes[0]}{place}{quotes[0]}"
    found = _searched(client, [experiment], words)
    own = [run for run in found if run.data.tags.get("run_folder") == place]
    latest = max((run for run in own if "job_key" in run.data.tags), key=lambda r: r.info.start_time, default=None)
    if latest is None or latest.data.tags.get(PARENT) not in (None, sweep):
        return
    for run in own:
        if latest.info.run_id in (run.info.run_id, run.data.tags.get(PARENT)):
            client.set_tag(run.info.run_id, SUPERSEDED, "run again by resume=true: its status.json was gone or damaged")
            client.set_terminated(run.info.run_id, "KILLED", run.info.end_time)


def is_finished(client: MlflowClient, run_id: str) -> bool:
    """Whether the store has this run, and it came to its end."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id).info
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return bool(run.status == "FINISHED" and run.lifecycle_stage == "active")


def _is_held(tags: Mapping[str, str]) -> bool:
    """Whether a process records the run; one of unknown folder may be."""
    held = [is_held(Path(tags[tag], lock)) for tag, lock in LOCKS.items() if tag in tags]
    return any(held) or not held


def _folders(tags: Mapping[str, str]) -> list[Path]:
    """That of a run or of a sweep, if it is known."""
    return [Path(tags[tag]) for tag in LOCKS if tag in tags]


def _end(client: MlflowClient, run: Run) -> str | None:
    """What it was set to; None of a run that has ended itself since it was found, and has freed its lock so."""
    run_id, state = run.info.run_id, _ended_as(run)
    if client.get_run(run_id).info.status != "RUNNING":
        return None
    client.set_terminated(run_id, state)
    return state


def _ended_as(run: Run) -> str:
    """What the run is until its journal is brought in; without a journal that is whole it was killed."""
    for path in (journal for folder in _folders(run.data.tags) for journal in journals_in(folder)):
        try:
            made, entries = Journal(path).read()
        except RunError:  # damaged: nothing says that the run came to its end
            continue
        if made.run_id == run.info.run_id and entries and entries[-1]["do"] == "end":
            return until_synced(entries[-1]["status"])
    return "KILLED"


def _running(client: MlflowClient, experiments: Sequence[str]) -> list[Run]:
    return _searched(client, experiments, "attributes.status = 'RUNNING'")


def _searched(client: MlflowClient, experiments: Sequence[str], words: str) -> list[Run]:
    """All, before any is ended: pages are counted from the beginning."""
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs(list(experiments), words, max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
