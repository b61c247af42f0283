"""``resume=true``: finds what was begun and has not come to its end, and leaves alone what has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from runner.config import resolved
from runner.errors import ConfigError
from runner.job_identity import Asked, shown
from runner.records.bearing import CONFIG, check_recorded
from runner.records.lock import RUN_LOCK, SWEEP_LOCK, is_held
from runner.records.resume_key import RESUME_KEY, key_of
from runner.records.status import is_done, prepared_status, publish_status, read_status
from runner.shell import lasting, title_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY = "resume"
HERE = "the overrides that were typed for what lies there, in their order, or another folder"


refusals: list[Exception] = []
"""Why what was to be resumed cannot be; Hydra loses what is raised where that is found out."""


def check_found() -> None:
    """Raises what stands in the way of resuming."""
    if refusals:
        raise refusals[0]


def wanted(config: DictConfig) -> bool:
    """Whether ``resume`` is set.

    Raises:
        ConfigError: It is neither true nor false.
    """
    value = config.get(KEY)
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ConfigError(KEY, "null" if value is None else value, "true or false")
    return found


def go_on_with(config: DictConfig, kind: str) -> None:
    """Where ``resume`` is set and no folder is, sets the folder to that of the latest such run or sweep.

    As if it had been typed, for the jobs, too, which a launcher composes. ``config`` is the whole one, with Hydra's
    node.

    Raises:
        ConfigError: There is none.
        RunError: The store cannot be reached.
    """
    key = f"hydra.{kind}.dir"
    typed = [override.lstrip("+").partition("=")[0] for override in _typed(config, "hydra")]
    if not wanted(config) or key in typed:
        return
    from runner.compose import as_override

    try:
        OmegaConf.resolve(config.tracking.copy())
    except OmegaConfBaseException:  # which is told as of any run
        return
    overrides = typed_overrides(config, kind)
    folder = _latest(config, kind, overrides)
    if folder is None:
        uri, experiment = config.tracking.uri, config.tracking.experiment
        got = f"true, and no {kind} of {title_of(overrides)} in experiment {experiment} of {uri}"
        raise ConfigError(KEY, got, f"false, {key}=FOLDER, or the overrides of a {kind} that was begun, in their order")
    with read_write(config), open_dict(config.hydra):
        OmegaConf.update(config, key, str(shown(folder)))
        config.hydra.overrides.hydra.extend(as_override(key, str(shown(folder))))


def typed_overrides(config: DictConfig, kind: str) -> list[str]:
    """What was typed, but for Hydra's keys and ``resume``; of a sweep with what its sweeper is configured to sweep."""
    params = config.hydra.sweeper.get("params") or {} if kind == "sweep" else {}
    return lasting([*(f"{key}={value}" for key, value in params.items()), *_typed(config, "task")])


def _typed(config: DictConfig, of: str) -> list[str]:
    """Overrides of Hydra's own keys (``hydra``) or of the ``task``'s, interpolations and all."""
    found = OmegaConf.to_container(config.hydra.overrides[of], resolve=False)
    assert isinstance(found, list)
    return list(map(str, found))


def check_not_swept(config: DictConfig) -> None:
    """Raises ConfigError where ``resume`` is given several values."""
    for override in OverridesParser.create().parse_overrides([o for o in _typed(config, "task") if not lasting([o])]):
        if override.is_sweep_override():
            raise ConfigError(KEY, str(override.input_line).partition("=")[2], "true or false, for all jobs")


def ended_before(config: DictConfig, job: Asked, status: Mapping[str, Any]) -> dict[str, Any] | None:
    """The status of a job that has come to its end, if ``resume`` is set; it is not to be run again.

    One that was killed when its MLflow run was FINISHED already is given the status that it has prepared; one that
    MLflow could not be told of is brought in. Of any other, the MLflow runs that are left RUNNING are set to KILLED,
    and so is one that is FINISHED: the run that takes its place is the job's. ``status`` is what is known of the job.

    Raises:
        ConfigError: The folder has a run of other overrides, or, if that has ended, of another configuration.
        RunError: The store cannot be reached.
    """
    if not wanted(config):
        return None
    now = resolved(config)  # a wrong key is told as of any run
    sweep = status.get("sweep")
    if job.sweep is None:
        _check_overrides(job)
    if "once_synced" in read_status(job.folder):
        from runner.records.bringing import bring_run

        bring_run(job.folder, {})
    left = read_status(job.folder)
    done = is_done(left, job.overrides, sweep)
    if job.sweep is None:
        if done or is_done(prepared_status(job.folder), job.overrides, None):
            check_recorded(shown(job.folder), now)
        elif not (job.folder / CONFIG).exists():
            print(f"nothing to resume in {shown(job.folder)}: begins anew")
    found = left if done else _completed(config, job, sweep)
    if found is not None and job.sweep is None:
        print(f"nothing to resume: the run in {shown(job.folder)} has ended: {found['verdict']}")
    return found


def _completed(config: DictConfig, job: Asked, sweep: str | None) -> dict[str, Any] | None:
    from runner.checkpoints.checkpoint import leftovers
    from runner.records.dead import end_runs_of, is_finished, supersede
    from runner.records.store import as_run_error

    opened = _experiment(config)
    if opened is None:
        return None
    client, experiment = opened
    found = prepared_status(job.folder)
    run_id = found.get("run_id") if found is not None and is_done(found, job.overrides, sweep) else None
    with as_run_error(config.tracking.uri):
        if run_id is not None and is_finished(client, run_id):
            for file in leftovers(job.folder):
                file.unlink(missing_ok=True)
            publish_status(job.folder)
            return found
        end_runs_of(client, experiment, "run_folder", job.folder)
        supersede(client, experiment, job.folder, sweep)
    return None


def _check_overrides(job: Asked) -> None:
    """Of a run of its own, whose folder may have been typed."""
    from runner.checkpoints.file import NAME

    file = job.folder / "overrides.yaml"
    if file.is_file() and not (job.folder / NAME).exists():  # with a checkpoint, the configurations are compared
        before = yaml.safe_load(file.read_text(encoding="utf-8"))
        if before != job.overrides:
            got = f"true for {title_of(job.overrides)} in {shown(job.folder)}, a run of {title_of(map(str, before))}"
            raise ConfigError(KEY, got, HERE)


def _experiment(config: DictConfig) -> tuple[MlflowClient, str] | None:
    """The store and the experiment's id, if they are there: nothing is made by looking."""
    from runner.checks import check_tracking
    from runner.records.store import as_run_error, database_of, prepare

    uri, name = str(config.tracking.uri), str(config.tracking.experiment)
    check_tracking({"uri": uri, "experiment": name})
    database = database_of(uri)
    if database is not None and not database.is_file():
        return None
    prepare()
    from mlflow import MlflowClient

    with as_run_error(uri):
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(name)
    return None if found is None else (client, found.experiment_id)


def _latest(config: DictConfig, kind: str, overrides: Sequence[str]) -> Path | None:
    """The folder of the latest that has not ended and that nobody works in; or else of the latest."""
    from runner.records.store import as_run_error

    opened = _experiment(config)
    if opened is None:
        return None
    client, experiment = opened
    tag, lock = ("run_folder", RUN_LOCK) if kind == "run" else ("sweep_folder", SWEEP_LOCK)
    words, order = f"tags.{RESUME_KEY} = '{key_of(kind, overrides)}'", ["attributes.start_time DESC"]
    with as_run_error(config.tracking.uri):
        found = client.search_runs([experiment], words, order_by=order)
    runs = {folder: run for run in reversed(found) if (folder := Path(run.data.tags[tag])).is_dir()}
    latest_first = sorted(runs, key=lambda folder: -runs[folder].info.start_time)
    open_ones = [folder for folder in latest_first if not _has_ended(runs[folder], folder, kind)]
    free = [folder for folder in open_ones if not is_held(folder / lock)]
    return next(iter([*free, *open_ones, *latest_first]), None)


def _has_ended(run: Run, folder: Path, kind: str) -> bool:
    if kind == "sweep":
        return bool(run.info.status == "FINISHED")
    return is_done(read_status(folder), read_status(folder)["overrides"], None)
