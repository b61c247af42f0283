"""How what this process has launched comes to its end: the exit code, what is printed, and what goes again."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner import stopping
from runner.errors import AGREE, BAD_INPUT, DISAGREE, NOT_FINISHED, RunError
from runner.job import last
from runner.launching.engines import EngineError, engine
from runner.records.files import remove_empty
from runner.searching import is_fruitless
from runner.shell import lasting, shell_line
from runner.sweep import MULTIRUN_FILE, Footprint
from runner.sweep_results import job_statuses, record, show


def sweep_away() -> None:
    """Removes what a rejected run has made: Hydra's own files, and the new folders that are empty.

    Among the jobs of an earlier sweep Hydra's file is again what it was.
    """
    Footprint.held.close()
    folder, begun = Footprint.sweep, Footprint.parent is not None and Footprint.parent.run_id is not None
    if folder is not None and folder.is_dir() and (not begun or [f.name for f in folder.iterdir()] == [MULTIRUN_FILE]):
        if Footprint.sweep_file is None:
            (folder / MULTIRUN_FILE).unlink(missing_ok=True)
        else:
            (folder / MULTIRUN_FILE).write_bytes(Footprint.sweep_file)
    if Footprint.described is not None:
        _forget(*Footprint.described)
    remove_empty(Footprint.new_folders)


def _forget(folder: Path, described: set[Path]) -> None:
    """Removes what Hydra has written of a run of which there is nothing else."""
    if {file for file in folder.rglob("*") if not file.is_dir()} <= described:
        for file in described:
            file.unlink(missing_ok=True)


def engine_failed(error: EngineError) -> int:
    """Ends a sweep whose engine failed: what its jobs left is recorded.

    A sweeper that finds nothing in jobs of which none has a figure has not failed.
    """
    statuses = [] if Footprint.parent is None else job_statuses(Footprint.parent)
    fruitless = error.found_nothing and is_fruitless(statuses)
    told = f"hydra/sweeper: no optimum: no job of {len(statuses)} has come to a finite figure" if fruitless else error
    try:
        print(f"runner: {told}", file=sys.stderr)
    finally:
        _end_dead_jobs()
        code = exit_code()
    return code if fruitless else NOT_FINISHED


def _end_dead_jobs() -> None:
    """Jobs whose process was killed are KILLED in MLflow; where it refuses, it is told."""
    try:
        if Footprint.parent is not None:
            Footprint.parent.end_dead_runs()
    except RunError as error:
        print(f"runner: {error}", file=sys.stderr)


@contextmanager
def swept() -> Iterator[None]:
    """What Hydra does of one command line.

    Raises:
        EngineError: Jobs have begun, and then their sweeper failed.
    """
    try:
        yield
    except Exception as error:
        if Footprint.parent is None or Footprint.parent.run_id is None:
            raise
        with engine("hydra/sweeper"):
            raise error


def exit_code() -> int:
    """The exit code of what was run, if anything was; what is empty of it is removed."""
    alone = int(last["status"]) if last else AGREE
    code = alone if Footprint.sweep is None else sweep_status(Footprint.sweep)
    sweep_away()
    return code


def sweep_status(folder: Path) -> int:
    """Ends the sweep: prints a row a job, records it, and returns its exit code: any 3 gives 3, else any 2, 1, 0."""
    if Footprint.parent is None:
        print("runner: command line: got a sweep without a job; allowed: at least one value a key", file=sys.stderr)
        return BAD_INPUT
    left = job_statuses(Footprint.parent)
    try:
        show(left, folder)
    finally:
        recorded = record(Footprint.parent, left)
    codes = {s["status"] for s in left} | ({AGREE} if recorded else {NOT_FINISHED})
    return next(code for code in (NOT_FINISHED, BAD_INPUT, DISAGREE, AGREE) if code in codes)


def interrupted(argv: Sequence[str]) -> bool:
    """Ends a sweep that was stopped, ``argv`` being what was typed; False where none has begun.

    What there is is told at once: to record it takes longer.
    """
    parent = Footprint.parent
    if parent is None or parent.run_id is None:
        abandon()
        return False
    stopping.heed()
    left = job_statuses(parent)
    try:
        print("runner: interrupted; what was recorded is kept", file=sys.stderr)
        show(left, parent.folder, _going_on(argv, parent.folder))
    finally:
        _end_dead_jobs()
        record(parent, left, stopped=True)
        Footprint.held.close()
    return True


def _going_on(argv: Sequence[str], folder: Path) -> str:
    """What is typed to go on with the sweep in ``folder`` that ``argv`` has begun."""
    there = [] if any(word.startswith("hydra.sweep.dir=") for word in argv) else [f"hydra.sweep.dir={folder}"]
    return shell_line(["python", "-m", "runner", *lasting(argv), *there, "resume=true"])


@contextmanager
def abandoning() -> Iterator[None]:
    """A block that tells of a fault, after which a sweep that has begun is ended and what is empty is removed."""
    try:
        yield
    finally:
        abandon()
        sweep_away()


def abandon() -> None:
    """Ends a sweep that has begun, if one has, and did not come to its end by a fault."""
    parent = Footprint.parent
    if parent is not None and parent.run_id is not None:
        stopping.heed()
        _end_dead_jobs()
        record(parent, job_statuses(parent))
    Footprint.held.close()
