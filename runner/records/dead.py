"""Runs whose process was killed outright: in MLflow they stay RUNNING until somebody looks."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.records.environment import HOST
from runner.records.lock import RUN_LOCK, SWEEP_LOCK, is_held

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LOCKS = {"run_folder": RUN_LOCK, "sweep_folder": SWEEP_LOCK}
"""By the tag that names a run's folder: the lock in it that the run's process holds."""
PAGE = 500


def end_dead_runs(client: MlflowClient, experiments: Sequence[str]) -> list[str]:
    """Sets those to KILLED that are RUNNING although no process records them; ``experiments`` are ids.

    Of runs on this machine alone, by their tags. Returns the ids of those that were ended.
    """
    here = [run for run in _running(client, experiments) if run.data.tags.get(HOST) == platform.node()]
    free = [run.info.run_id for run in here if not _is_held(run.data.tags)]
    return [run_id for run_id in free if _end(client, run_id)]


def end_runs_of(client: MlflowClient, experiment: str, tag: str, folder: Path, own: str | None = None) -> list[str]:
    """The same of one folder, whatever the machine: whoever calls this, for its ``own`` run, holds the folder's lock.

    ``tag`` is the one that names the folder.
    """
    place = str(folder.absolute())
    found = [run.info.run_id for run in _running(client, [experiment]) if run.data.tags.get(tag) == place]
    return [run_id for run_id in found if run_id != own and _end(client, run_id)]


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


def _end(client: MlflowClient, run_id: str) -> bool:
    """False of a run that has ended itself since it was found, and has freed its lock so."""
    if client.get_run(run_id).info.status != "RUNNING":
        return False
    client.set_terminated(run_id, "KILLED")
    return True


def _running(client: MlflowClient, experiments: Sequence[str]) -> list[Run]:
    """All, before any is ended: pages are counted from the beginning."""
    found: list[Run] = []
    token = None
    while True:
        words = "attributes.status = 'RUNNING'"
        page = client.search_runs(list(experiments), words, max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
