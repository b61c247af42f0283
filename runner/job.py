"""One job: configuration -> run -> records, and the status that it leaves behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner import stopping
from runner.config import check_choices, current_catalog, resolved
from runner.errors import AGREE, BAD_INPUT, DISAGREE, NOT_FINISHED, ConfigError, RunError
from runner.records.faults import log_traceback
from runner.records.files import write_json
from runner.shell import as_typed, shell_line
from runner.user_code import told

if TYPE_CHECKING:
    from runner.assemble import Setup
    from runner.catalog import Catalog
    from runner.experiment import Outcome
    from runner.records.identity import Identity
    from runner.records.recorder import RunRecorder
    from runner.records.stacked.recorder import StackRecorder

T = TypeVar("T")
Train = Callable[["Setup", "RunRecorder"], "Outcome"]
"""Trains and judges a run, its records told as it goes on: ``run_experiment``, or another that gives the same."""

STATUS = "status.json"

last: dict[str, Any] = {}
"""The status of the job that this process ran last."""


class Interrupted(KeyboardInterrupt):
    """A stop of which the job that was running has told."""


def job(cfg: DictConfig, train: Train | None = None) -> float | None:
    """Runs one job. It never exits and never raises for a verdict: its status (0 to 3) is the last file of its folder.

    ``train`` stands in for ``run_experiment``. Returns the worst precision roundings, for a sweeper that looks for the
    largest.
    """
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    in_sweep = hydra.mode == RunMode.MULTIRUN
    sweep = Path(hydra.sweep.dir).name if in_sweep else None
    overrides = _task_overrides()
    status: dict[str, Any] = {
        "status": NOT_FINISHED,
        "overrides": overrides,
        "folder": str(folder),
        "number": hydra.job.num if in_sweep else None,
    }
    last.clear()
    last.update(status)
    (folder / STATUS).unlink(missing_ok=True)
    try:
        found = _run(cfg, folder, sweep, status, train)
    except ConfigError as error:
        found = {"status": BAD_INPUT, "message": str(error)}
    except RunError as error:
        found = {"status": NOT_FINISHED, "message": str(error)}
    except Interrupted as stop:  # of the group that the job trains in
        _leave(folder, {**status, "message": str(stop)}, in_sweep, tell=False)
        raise
    except KeyboardInterrupt as stop:
        found = {"status": NOT_FINISHED, "message": f"interrupted; {str(stop) or 'what was recorded is kept'}"}
        _leave(folder, {**status, **found}, in_sweep)
        raise Interrupted(found["message"]) from stop
    except (Exception, SystemExit) as error:  # a fault, told in one line; its traceback goes to a file
        found = {"status": NOT_FINISHED, "message": f"{told(error)} ({log_traceback(folder, error)})"}
    _leave(folder, {**status, **found}, in_sweep)
    value: float | None = found.get("roundings")
    return value


def _leave(folder: Path, status: dict[str, Any], in_sweep: bool, tell: bool = True) -> None:
    """Tells what went wrong on stderr, and writes the status unless the run was rejected: that leaves no folder."""
    last.update(status)
    if tell and "message" in status:
        print(f"runner: {status['message']}", file=sys.stderr)
    if in_sweep or status["status"] != BAD_INPUT:
        write_json(folder / STATUS, status)


def _run(
    cfg: DictConfig, folder: Path, sweep: str | None, status: dict[str, Any], train: Train | None
) -> dict[str, Any]:
    """Checks, runs and records; the rest of the status. Torch and mlflow are imported once all checks have passed.

    ``status`` is told the sweep's MLflow run, by which a sweep knows its jobs, and the job's as soon as there is one.
    """
    from runner.assemble import assemble

    if sweep is not None:
        status["sweep"] = _sweep_run()
    config, catalog = resolved(cfg), current_catalog()
    if not isinstance(config["backend"], dict):
        raise ConfigError("backend", config["backend"], "a list of at least two different names")
    _check_backend_names(config["backend"], catalog)
    check_choices(HydraConfig.get().runtime.choices, _task_overrides(), catalog)
    if config["replicas"] > 1 or config["lrs"] is not None:
        return _run_stack(config, catalog, folder, sweep, status)
    setup = assemble(config, catalog)
    return ended(record_run(setup, _identity(setup, config, folder, sweep), status, train))


def ended(outcome: Outcome) -> dict[str, Any]:
    """What the status of a run that came to its end says of it."""
    verdict = outcome.verdict
    return {
        "status": AGREE if verdict.agree else DISAGREE,
        "verdict": verdict.verdict,
        "roundings": verdict.worst("roundings"),
        "loss": list(outcome.losses.values())[-1][1] if outcome.losses else None,
        "losses": outcome.losses,
    }


def _run_stack(
    config: dict[str, Any], catalog: Catalog, folder: Path, sweep: str | None, status: dict[str, Any]
) -> dict[str, Any]:
    """The same of many replicas; a sweep is told the gravest verdict, the most roundings of all and median losses."""
    from runner.stacked.stack import stack_of

    stack, overrides = stack_of(config, catalog), _task_overrides()

    from runner.records.stacked.recorder import StackRecorder
    from runner.stacked.run import run_stack

    def alone(k: int) -> str:
        own: dict[str, object] = {"seed": stack.seeds[k], "replicas": 1}
        own |= {} if config["lrs"] is None else {"lr": stack.rates[k], "lrs": "null"}
        typed = [o for o in overrides if o.lstrip("+").partition("=")[0] not in own]
        return _command([*typed, *(f"{key}={value}" for key, value in own.items())])

    recorder = StackRecorder(stack, _identity(stack.first, config, folder, sweep), alone)
    summary = _recorded(recorder, lambda: recorder.finish(run_stack(stack, recorder)), status)
    return {
        "status": AGREE if summary.agree else DISAGREE,
        "verdict": summary.worst_verdict.verdict,
        "roundings": summary.most("precision_roundings"),
        **summary.status_losses(),
    }


def _identity(setup: Setup, config: dict[str, Any], folder: Path, sweep: str | None) -> Identity:
    from runner.records.identity import Identity

    overrides, parent = _task_overrides(), None if sweep is None else _parent(setup)
    return Identity(_shown(folder), overrides, sweep, config, _command(overrides), parent)


def _task_overrides() -> list[str]:
    """The running job's overrides as they were typed, interpolations and all."""
    hydra = HydraConfig.get()
    found = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    typed = [str(override) for override in found] if isinstance(found, list) else []
    return list(map(as_typed, typed)) if hydra.mode == RunMode.MULTIRUN else typed


def _check_backend_names(names: Mapping[str, object], catalog: Catalog) -> None:
    """At least two backends; a name that the command line gives twice collapses in Hydra, so its text is read."""
    allowed = f"a list of at least two different names of {', '.join(catalog.names('backend'))}"
    chosen = [override for override in _task_overrides() if override.lstrip("+").startswith("backend")]
    for override in OverridesParser.create().parse_overrides(chosen):
        value = override.value() if override.key_or_group == "backend" else None
        if isinstance(value, list) and len(set(map(str, value))) < len(value):
            raise ConfigError("backend", str(override.input_line).partition("=")[2], allowed)
    if len(names) < 2:
        raise ConfigError("backend", f"[{', '.join(names)}]", allowed)


def _command(overrides: list[str]) -> str:
    """What is typed to run the job again, alone."""
    hydra = HydraConfig.get()
    own = [_shown(Path(s.path)) for s in hydra.runtime.config_sources if s.provider == "command-line"]
    flags = [word for folder in own for word in ("--config-dir", str(folder))]
    searched = [override for override in hydra.overrides.hydra if override.startswith("hydra.searchpath")]
    return shell_line(["python", "-m", "runner", *flags, *searched, *overrides])


def _parent(setup: Setup) -> str | None:
    """The MLflow run in which the job's own is nested."""
    from runner.records.sweep.parent import parent_of

    return parent_of(_sweep_folder(), setup.tracking_uri, setup.tracking_experiment)


def _sweep_run() -> str:
    """The MLflow run of the sweep that the job belongs to."""
    from runner.records.sweep.parent import read_parent

    return str(read_parent(_sweep_folder())["run_id"])


def _sweep_folder() -> Path:
    """It lies where the sweep was started."""
    hydra = HydraConfig.get()
    return Path(hydra.runtime.cwd, hydra.sweep.dir)


def record_run(
    setup: Setup, identity: Identity, status: dict[str, Any] | None = None, train: Train | None = None
) -> Outcome:
    """Runs and records; a run that could not finish is FAILED or KILLED, what was recorded kept.

    ``status`` is told the MLflow run's id under ``run_id``; ``train`` stands in for ``run_experiment``.
    """
    from runner.experiment import run_experiment
    from runner.records.minimal import minimal_case
    from runner.records.recorder import RunRecorder

    recorder = RunRecorder(setup, identity)

    def work() -> Outcome:
        outcome = (train or run_experiment)(setup, recorder)
        recorder.finish(outcome, minimal_case(setup, outcome, identity.folder))
        return outcome

    return _recorded(recorder, work, status)


def _recorded(recorder: RunRecorder | StackRecorder, work: Callable[[], T], status: dict[str, Any] | None) -> T:
    """What ``work`` gives, from the recorder's start to its end or to where it is abandoned."""
    try:
        recorder.start()
        if status is not None:
            status["run_id"] = recorder.run_id
        return work()
    except KeyboardInterrupt as stop:
        stopping.heed()
        try:
            recorder.abandon("KILLED")
        except RunError as error:
            raise KeyboardInterrupt(str(error)) from stop
        raise
    except BaseException:
        recorder.abandon("FAILED")
        raise


def _shown(folder: Path) -> Path:
    """A folder as a person would type it: relative where it lies below the current one."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def read_status(folder: Path) -> dict[str, Any]:
    """A job's status; a job that left none could not finish."""
    try:
        found = json.loads((folder / STATUS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        return {"status": NOT_FINISHED, "overrides": [], "folder": str(folder), "number": None}
    return found
