"""One job: configuration -> run -> records, and the status that it leaves behind."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from runner import resuming, stopping
from runner.config import check_choices, current_catalog, resolved
from runner.errors import AGREE, BAD_INPUT, DISAGREE, NOT_FINISHED, ConfigError, RunError
from runner.job_identity import Asked, asked, check_backend_names, command_of, identity_of, shown
from runner.launching.workers import working
from runner.printing import is_refused
from runner.recording import Ready, TooLate, Train, ended, record_run, recorded
from runner.records.faults import told_failure
from runner.records.journal import sync_words
from runner.records.lock import RUN_LOCK, locked
from runner.records.status import figure_of, prepare_status, prepared_status, remove_status, write_status

if TYPE_CHECKING:
    from runner.catalog import Catalog

last: dict[str, Any] = {}
"""The status of the job that this process ran last."""


class Interrupted(KeyboardInterrupt):
    """A stop of which the job that was running has told, on stderr or, in a sweep, by its status."""


def job(cfg: DictConfig, train: Train | None = None) -> float | None:
    """Runs one job. It never exits and never raises for a verdict: its status (0 to 3) is the last file of its folder.

    ``train`` stands in for ``run_experiment``. Returns what ``objective`` names, for a sweeper that searches; None of a
    run that has no such figure (``figure_of``).
    """
    this = asked()
    status = this.status()
    last.clear()
    last.update(status)
    with working(), stopping.installed():
        if stopping.was_asked():  # this process has jobs to come, of a sweep that was stopped
            raise Interrupted("interrupted")
        try:
            with locked(this.folder, RUN_LOCK, wait=bool(cfg.get("resume"))):
                return _run_alone(cfg, this, status, train)
        except RunError as error:  # of the lock: the folder is another's
            print(f"runner: {error}", file=sys.stderr)
            return None


def _run_alone(cfg: DictConfig, this: Asked, status: dict[str, Any], train: Train | None) -> float | None:
    """The same by the only process that works in the job's folder."""
    try:
        resuming.check_found()
        if this.sweep is not None:
            status["sweep"] = _sweep_run(this.sweep)
        ended = resuming.ended_before(cfg, this, status)
        found = _run(cfg, this, status, train) if ended is None else ended
    except Interrupted as stop:  # of the group that the job trains in
        _leave(this, {**status, "message": str(stop)}, tell=False)
        raise
    except TooLate as stop:
        found = prepared_status(this.folder) or {}
        _leave(this, {**status, **_as_told(found, status, this)})
        if this.sweep is not None and stopping.was_asked():
            raise Interrupted("interrupted") from stop
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or stopping.was_asked():
            kept = str(error) if isinstance(error, KeyboardInterrupt) else ""
            stopped = {"status": NOT_FINISHED, "message": f"interrupted; {kept or 'what was recorded is kept'}"}
            found = _as_told(stopped, status, this)
            _leave(this, {**status, **found}, tell=this.sweep is None)  # its sweep tells of it, once
            raise Interrupted(found["message"]) from error
        found = _as_told(_told(error, this.folder), status, this)
        _leave(this, {**status, **found}, tell=not is_refused(error))  # of a stream the program tells as it ends
    else:
        if ended is None:
            found = _as_told(found, status, this)
            _leave(this, {**status, **found})
        last.update(found)
    return figure_of({**status, **found})


def _told(error: BaseException, folder: Path) -> dict[str, Any]:
    """What the status says of it; the traceback of a fault goes to a file."""
    if isinstance(error, ConfigError):
        return {"status": BAD_INPUT, "message": str(error)}
    if isinstance(error, RunError):
        return {"status": NOT_FINISHED, "message": str(error)}
    return {"status": NOT_FINISHED, "message": told_failure(folder, error)}


def _as_told(found: dict[str, Any], status: Mapping[str, Any], this: Asked) -> dict[str, Any]:
    return told_unsent(found, status, this.folder, this.sweep or this.folder)


def told_unsent(found: dict[str, Any], status: Mapping[str, Any], folder: Path, sync: Path) -> dict[str, Any]:
    """What a run has come to, or, where MLflow was not told of all of it, that it could not finish: ``sync`` ends it.

    What it has come to is kept under ``once_synced``; ``sync`` is the folder that the command is to be given.
    """
    if "unsent" not in status:
        return found
    whole = found["status"] != NOT_FINISHED
    words = sync_words(status["unsent"], shown(folder), shown(sync), whole=whole)
    message = "; ".join(filter(None, [found.get("message"), words]))
    once_synced = {key: found[key] for key in ("status", "message") if key in found}
    return {**found, "status": NOT_FINISHED, "message": message, "once_synced": once_synced}


def _leave(this: Asked, status: dict[str, Any], tell: bool = True) -> None:
    """Tells what went wrong on stderr, and writes the status unless the run was rejected: that leaves no folder."""
    last.update(status)
    if tell and "message" in status:
        print(f"runner: {status['message']}", file=sys.stderr)
    if this.sweep is not None or status["status"] != BAD_INPUT:
        try:
            write_status(this.folder, status)
        except OSError as error:
            last["status"] = NOT_FINISHED
            if "message" not in status:
                print(f"runner: {told_failure(this.folder, error)}", file=sys.stderr)


def _run(cfg: DictConfig, this: Asked, status: dict[str, Any], train: Train | None) -> dict[str, Any]:
    """Checks, runs and records; the rest of the status. Torch and mlflow are imported once all checks have passed.

    ``status`` is told the job's MLflow run as soon as there is one.
    """
    from runner.assemble import assemble
    from runner.checks import OBJECTIVES

    config, catalog = resolved(cfg), current_catalog()
    status["objective"] = OBJECTIVES.get(config["objective"])
    if not isinstance(config["backend"], dict):
        raise ConfigError("backend", config["backend"], "a list of at least two different names")
    check_backend_names(config["backend"], this.overrides, catalog)
    check_choices(HydraConfig.get().runtime.choices, this.overrides, catalog)

    def ready(found: dict[str, Any]) -> None:
        prepare_status(this.folder, {**status, **found})

    if config["replicas"] > 1 or config["lrs"] is not None:
        return _run_stack(config, catalog, this, status, ready)
    setup = assemble(config, catalog)
    identity = identity_of(this, setup, config)
    return ended(record_run(setup, identity, status, train, ready))


def _run_stack(
    config: dict[str, Any], catalog: Catalog, this: Asked, status: dict[str, Any], ready: Ready
) -> dict[str, Any]:
    """The same of many replicas; a sweep is told the gravest verdict, the most roundings of all and median losses."""
    from runner.stacked.stack import stack_of

    stack = stack_of(config, catalog)

    from runner.records.stacked.recorder import StackRecorder
    from runner.records.stacked.summary import Summary
    from runner.stacked.run import run_stack

    def alone(k: int) -> str:
        own: dict[str, object] = {"seed": stack.seeds[k], "replicas": 1}
        own |= {} if config["lrs"] is None else {"lr": stack.rates[k], "lrs": "null"}
        typed = [o for o in this.overrides if o.lstrip("+").partition("=")[0] not in own]
        return command_of([*typed, *(f"{key}={value}" for key, value in own.items())])

    def found(summary: Summary) -> dict[str, Any]:
        return {
            "status": AGREE if summary.agree else DISAGREE,
            "verdict": summary.worst_verdict.verdict,
            "roundings": summary.most("precision_roundings"),
            "logic_roundings": summary.most("logic_roundings"),
            **summary.status_losses(),
        }

    recorder = StackRecorder(stack, identity_of(this, stack.first, config), alone)

    def work() -> Summary:
        return recorder.finish(run_stack(stack, recorder), lambda summary: ready(found(summary)))

    remove_status(this.folder)
    return found(recorded(recorder, work, status))


def _sweep_run(sweep: Path) -> str:
    """The MLflow run of the sweep that the job belongs to."""
    from runner.records.sweep.parent import read_parent

    return str(read_parent(sweep)["run_id"])
