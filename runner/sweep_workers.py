"""The processes in which a launcher runs a sweep's jobs, and the jobs that need none any more."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from runner import stopping
from runner.records.lock import RUN_LOCK, is_held, process_of, wait_until_free
from runner.records.status import figure_of, is_done

FAREWELL = 1.5
"""Seconds that jobs in other processes have to end their records in, when this one is stopped."""


def ended_jobs(
    statuses: Iterable[Mapping[str, Any]], jobs: Mapping[int, list[str]], sweep: str | None
) -> dict[int, JobReturn]:
    """Of some jobs those that have come to their end before, with what they returned: none has to be begun.

    Args:
        statuses: What the sweep's jobs have left.
        jobs: The numbers of the jobs, and their overrides.
        sweep: The sweep's MLflow run.
    """
    ended = {}
    for status in statuses:
        number = status["number"]
        if number in jobs and is_done(status, jobs[number], sweep):
            is_held(Path(status["folder"], RUN_LOCK))  # a job that was killed after its last act has left it
            ended[number] = JobReturn(overrides=jobs[number], status=JobStatus.COMPLETED)
            ended[number].return_value = figure_of(status)
    return ended


@contextmanager
def minded(config: DictConfig, folder: Path) -> Iterator[None]:
    """While jobs run: a stop of this process is theirs too; ``config`` is the whole one, ``folder`` the sweep's."""
    places = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    assert isinstance(places, dict)
    pattern = "*/" * (1 + str(places["subdir"]).count("/")) + RUN_LOCK

    def tell() -> None:
        held = {lock: number for lock in folder.glob(pattern) if (number := process_of(lock)) is not None}
        children = {child.pid for child in multiprocessing.active_children() if child.pid is not None}
        for number in {*held.values(), *children} - {os.getpid()}:
            with suppress(ProcessLookupError, PermissionError):  # it has ended, or is another's by now
                os.kill(number, signal.SIGTERM)
        wait_until_free([lock for lock, number in held.items() if number != os.getpid()], FAREWELL)

    with stopping.passed_on(tell):
        yield
