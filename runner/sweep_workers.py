"""The processes in which a launcher runs a sweep's jobs, and the jobs that need none any more."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict

from runner import stopping
from runner.config import catalog_of, own_part, resolved
from runner.records.bearing import check_recorded
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


def check_unchanged(config: DictConfig, jobs: Mapping[int, Sequence[str]], folders: Mapping[int, Path]) -> None:
    """Takes jobs that have ended, and are not run again, if they would be of the same configuration now.

    What was typed is the same, but perhaps not what the files say that it names. So of the jobs that name the same
    files the first and the last are looked at: to compose one and to read what it has left takes 10 ms.

    Args:
        config: The whole one, with Hydra's node.
        jobs: The jobs' numbers, and their overrides as the sweeper has made them.
        folders: The jobs' folders.

    Raises:
        ConfigError: One would be of another configuration.
        RunError: A job's file cannot be read.
    """
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    before = HydraConfig.instance().cfg
    groups, ends = catalog_of(config.hydra).groups(), dict[tuple[str, ...], tuple[int, int]]()
    for number in sorted(folders):
        named = tuple(o for o in jobs[number] if o.lstrip("+").partition("=")[0].partition("@")[0] in groups)
        ends[named] = (ends.get(named, (number,))[0], number)
    for number in {number for both in ends.values() for number in both}:
        folder = folders[number]
        whole = hydra.config_loader.load_sweep_config(config, list(jobs[number]))
        with open_dict(whole):
            whole.hydra.job.num, whole.hydra.job.id = number, str(number)
            whole.hydra.runtime.output_dir = str(folder.absolute())
        HydraConfig.instance().set_config(whole)  # for interpolations that ask for it
        check_recorded(folder, resolved(own_part(whole)))
    HydraConfig.instance().cfg = before


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
