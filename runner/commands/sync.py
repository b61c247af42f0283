"""`python -m runner sync`: brings into MLflow what a run could not tell it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from runner.checks import check_tracking
from runner.commands.killed import end_dead_below, stores_of
from runner.errors import AGREE, NOT_FINISHED, ConfigError, RunError
from runner.records.bringing import Brought, bring_run, bring_sweep
from runner.records.journal import NAME, SUFFIX, as_synced
from runner.records.lock import RUN_LOCK, SWEEP_LOCK, locked
from runner.records.sending import Sender
from runner.records.sweep.jobs import read_job
from runner.records.sweep.parent import PARENT, read_parent
from runner.records.sweep.tables import write_jobs
from runner.sweep_results import statuses_of

USAGE = """\
python -m runner sync FOLDER

Brings into MLflow what the runs in FOLDER, a run's or a sweep's, could not tell it: where the store goes away in
mid-run, the rest goes into a journal in the run's folder. What is brought in is what an undisturbed run records, with
the times at which it happened; done twice, or again after it was cut off, it records nothing twice. Then the journal is
removed, and status.json gets the status that the verdict has. A run whose process was killed outright is set to KILLED.

Exit code: 0 brought in, or nothing to bring in; 2 no such folder, or one that leads elsewhere; 3 the store cannot be
reached or refuses, or a run goes on, and the journal stays."""

TABLE = "sweep.csv"


def sync(argv: list[str]) -> int:
    """Brings in all that ``argv``'s folder has.

    Raises:
        ConfigError: There is no such folder, or what is in it leads out of it or to no store.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    if len(argv) != 1 or not Path(argv[0]).is_dir():
        raise ConfigError("sync", " ".join(argv) or "nothing", "one folder that is there, of a run or of a sweep")
    folder = Path(argv[0])
    folders = sorted({path.parent for path in folder.rglob(f"*{SUFFIX}")})
    ended = list[str]()
    code = _do([*_works(folders), partial(_end_dead, folder, ended)])
    if not folders and not ended and code == AGREE:
        print(f"nothing to bring in: there is no journal in {folder}")
    return code


def _works(folders: Sequence[Path]) -> list[Callable[[], None]]:
    """Sweeps are made first, so that jobs are nested in them, and end last."""
    anew: dict[str, str] = {}
    sweeps = [folder for folder in folders if (folder / PARENT).is_file()]
    runs = [folder for folder in folders if folder not in sweeps]
    above = {sweep for run in runs for sweep in run.absolute().parents if (sweep / PARENT).is_file()}
    shown = {folder.absolute(): folder for folder in sweeps}
    return [
        *(partial(_open, sweep, anew) for sweep in sweeps),
        *(partial(_bring_run, run, anew) for run in runs),
        *(partial(_end_sweep, shown.get(sweep, sweep), anew) for sweep in sorted({*above, *shown})),
    ]


def _do(works: Sequence[Callable[[], None]]) -> int:
    """The exit code. What fails is told, the same once, and the others are done."""
    told: set[str] = set()
    for work in works:
        try:
            work()
        except RunError as error:
            if str(error) not in told:
                print(f"runner: {error}", file=sys.stderr)
            told.add(str(error))
    return NOT_FINISHED if told else AGREE


def _end_dead(folder: Path, ended: list[str]) -> None:
    """Ends what is RUNNING of ``folder`` and was killed, and adds it to what is ``ended``."""
    for store in stores_of(folder):
        for place, run_id, state in end_dead_below(folder, store):
            print(f"{place}: {state}, since its process is gone, MLflow run {run_id}")
            ended.append(run_id)


def _open(sweep: Path, anew: dict[str, str]) -> None:
    with _alone(sweep):
        Brought(sweep / NAME, anew).open(None)


def _bring_run(folder: Path, anew: dict[str, str]) -> None:
    with _alone(folder):
        run_id, counted, ended = bring_run(folder, anew)
    state = f", {ended}" if ended else ""
    print(f"{folder}: {counted['metrics']} metrics, {counted['files']} files{state}, MLflow run {run_id}")


def _end_sweep(sweep: Path, anew: dict[str, str]) -> None:
    """Of a sweep with a journal all; of another the table that names its jobs' runs, where that has changed."""
    with _alone(sweep):
        changed = _tabulate(sweep)
        if (sweep / NAME).is_file():
            run_id, found, state = bring_sweep(sweep, anew)
            print(f"{sweep}: {found['metrics']} metrics, {found['files']} files, {state}, MLflow run {run_id}")
        elif changed:
            parent = read_parent(sweep)
            check_tracking(parent)
            sender = Sender(parent["uri"], parent["experiment"])
            sender.open()
            if sender.stage_of(parent["run_id"]) == "active":
                sender.run_id = parent["run_id"]
                sender.send({"do": "artifact", "file": TABLE}, sweep)


def _tabulate(sweep: Path) -> bool:
    """Writes the table of the jobs anew, where there is one; whether it has changed."""
    table = sweep / TABLE
    if not table.is_file():
        return False
    before, parent = table.read_bytes(), read_parent(sweep)
    asked = {int(number): overrides for number, overrides in parent["jobs"].items()}
    statuses = statuses_of(sweep, parent["run_id"], asked)
    write_jobs(table, [read_job(as_synced(status)) for status in statuses], list(parent["keys"]))
    return table.read_bytes() != before


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else brings it in, and its run does not go on.

    Raises:
        RunError: Somebody does, or it does; a file cannot be read or written.
    """
    with locked(folder, SWEEP_LOCK if (folder / PARENT).is_file() else RUN_LOCK):
        try:
            yield
        except (OSError, json.JSONDecodeError) as error:
            raise RunError(f"{folder}: {error}") from error
