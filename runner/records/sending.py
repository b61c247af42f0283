"""What MLflow is told of a run, piece by piece; each may be told twice, and is then recorded once.

An entry is a mapping that JSON can hold. ``do`` says what it is:

- ``log``: ``params`` and ``tags`` {name: text}; ``metrics`` [[name, value, milliseconds, step, whether of the model]];
- ``inputs``: ``inputs``, the datasets as MLflow's own dictionaries;
- ``model``: ``folder``, that of the model below the run's;
- ``artifact``: ``file``, its path below the run's folder;
- ``end``: ``status``, and ``at``, milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.records.dead import end_dead_runs, end_runs_of
from runner.records.entries import DATASET, Entry
from runner.records.files import beside
from runner.records.journal import Made
from runner.records.reaching import Reach, StoreError
from runner.records.readable import UNREADABLE
from runner.records.store import reach_experiment

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

MODEL = "network"
AT_MOST = 1000
"""Runs of one millisecond that are looked at."""


class Sender:
    """Tells one run's store; every method raises StoreError where that refuses or cannot be reached."""

    def __init__(self, uri: str, experiment: str) -> None:
        self._uri, self._experiment = uri, experiment
        self._reach = Reach(uri)
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._model_id: str | None = None
        self.run_id: str | None = None

    def hurry(self) -> None:
        """The run was stopped: little time is left."""
        self._reach.hurry()

    def open(self) -> None:
        """Opens the store, once."""
        if self._client is None:
            self._client, self._experiment_id = reach_experiment(self._reach, self._uri, self._experiment)

    def make(self, made: Made, perhaps_there: bool = False) -> None:
        """Makes the run, or finds the one that was made: an answer may get lost.

        Two that were made, which needs a server that answers one call too late, become one again.
        """
        tries = iter([perhaps_there])

        def once() -> None:
            found = self._found(made) if next(tries, True) else []
            for double in found[1:]:
                self._known.delete_run(double.info.run_id)
            run = found[0] if found else self._create(made)
            self.run_id = run.info.run_id

        self._reach.call(once)

    def stage_of(self, run_id: str) -> str | None:
        """``active`` or ``deleted``; None of a run that the store does not have."""
        from mlflow.exceptions import MlflowException

        def look() -> str | None:
            try:
                return str(self._known.get_run(run_id).info.lifecycle_stage)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return None

        return self._reach.call(look)

    def check_active(self, run_id: str, folder: Path) -> None:
        """Tells of a run that cannot be gone on with what can be done; the rest of it lies in ``folder``."""
        stage = self.stage_of(run_id)
        if stage != "active":
            restore = f"; to go on with it, restore it: mlflow runs restore --run-id {run_id}" if stage else ""
            gone = f"run {run_id} was deleted{restore}; to begin anew, remove {folder}"
            raise StoreError(f"MLflow at {self._uri}: {gone}")

    def delete(self) -> None:
        """Takes the run back: a search no longer finds it."""

        def work() -> None:
            self._known.set_terminated(self._run, "FAILED")
            self._known.delete_run(self._run)

        self._reach.call(work)

    def reopen(self, run_id: str) -> set[tuple[str, int, float]]:
        """Goes on with a run that has ended or was broken off; which metrics it has: key, step, value."""

        def work() -> set[tuple[str, int, float]]:
            self._known.update_run(run_id, "RUNNING")
            keys = self._known.get_run(run_id).data.metrics
            logged = [metric for key in keys for metric in self._known.get_metric_history(run_id, key)]
            return {(metric.key, metric.step, metric.value) for metric in logged}

        logged = self._reach.call(work)
        self.run_id = run_id
        return logged

    def count(self, tag: str, others: Mapping[str, str]) -> None:
        """Adds one to a tag, and sets others."""

        def work() -> None:
            before = int(self._known.get_run(self._run).data.tags.get(tag, "0"))
            counted = log_entry(tags={tag: str(before + 1), **others})
            self._log(counted, Path())

        self._reach.call(work)

    def end_dead_runs(self, sweep: Path | None) -> None:
        """Sets the runs of the experiment that no process records any more to KILLED.

        So are all other runs of the ``sweep`` whose folder's lock the caller holds.
        """

        def work() -> None:
            end_dead_runs(self._known, [self._experiment_id])
            if sweep is not None:
                end_runs_of(self._known, self._experiment_id, "sweep_folder", sweep, self.run_id)

        self._reach.call(work)

    def send(self, entry: Entry, folder: Path) -> None:
        """Tells of one entry of the run in ``folder``."""
        works: dict[str, Callable[[Entry, Path], None]] = {
            "log": self._log,
            "inputs": self._inputs,
            "model": self._model,
            "artifact": self._artifact,
            "end": self._end,
        }
        kind = entry["do"]
        self._reach.call(lambda: works[kind](entry, folder), long=kind in ("model", "artifact"))

    @property
    def _known(self) -> MlflowClient:
        assert self._client is not None
        return self._client

    @property
    def _run(self) -> str:
        assert self.run_id is not None
        return self.run_id

    def _create(self, made: Made) -> Run:
        start, tags = made.start_time, dict(made.tags)
        return self._known.create_run(self._experiment_id, start_time=start, tags=tags, run_name=made.name)

    def _found(self, made: Made) -> list[Run]:
        same_moment = f"attributes.start_time = {made.start_time}"
        runs = self._known.search_runs([self._experiment_id], same_moment, max_results=AT_MOST)
        wanted = made.tags.items()
        return sorted((run for run in runs if wanted <= run.data.tags.items()), key=lambda run: run.info.run_id)

    def _log(self, entry: Entry, _: Path) -> None:
        from mlflow.entities import Metric, Param, RunTag

        self._known.log_batch(
            self._run,
            metrics=[
                Metric(key, value, at, step, model_id=self._model_id if of_model else None)
                for key, value, at, step, of_model in entry["metrics"]
            ],
            params=[Param(key, value) for key, value in entry["params"].items()],
            tags=[RunTag(key, value) for key, value in entry["tags"].items()],
        )

    def _inputs(self, entry: Entry, _: Path) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        inputs = [
            DatasetInput(
                Dataset(**{key: made["dataset"][key] for key in DATASET}),
                [InputTag(key, value) for key, value in made["tags"].items()],
            )
            for made in entry["inputs"]
        ]
        self._known.log_inputs(self._run, inputs)

    def _model(self, entry: Entry, folder: Path) -> None:
        """Makes the model that belongs to the run, or goes on with the one that was made."""
        from mlflow.entities import LoggedModelOutput

        model = self._own_model() or self._known.create_logged_model(self._experiment_id, MODEL, self._run)
        self._model_id = model.model_id
        outputs = self._known.get_run(self._run).outputs
        if model.model_id not in {made.model_id for made in (outputs.model_outputs if outputs is not None else ())}:
            self._known.log_outputs(self._run, [LoggedModelOutput(model.model_id, step=0)])
        _stamp(folder / entry["folder"] / "MLmodel", artifact_path=model.artifact_location, ids=(self._run, model))
        self._known.log_model_artifacts(model.model_id, str(folder / entry["folder"]))
        self._known.finalize_logged_model(model.model_id, "READY")

    def _own_model(self) -> LoggedModel | None:
        of_run = f"source_run_id = '{self._run}'"
        return next(iter(self._known.search_logged_models([self._experiment_id], filter_string=of_run)), None)

    def _artifact(self, entry: Entry, folder: Path) -> None:
        below = Path(entry["file"]).parent.as_posix()
        self._known.log_artifact(self._run, str(folder / entry["file"]), None if below == "." else below)

    def _end(self, entry: Entry, _: Path) -> None:
        self._known.set_terminated(self._run, entry["status"], end_time=entry["at"])


def _stamp(file: Path, artifact_path: str, ids: tuple[str, LoggedModel]) -> None:
    """Writes into a model's own file what MLflow has called it; StoreError of one that is damaged."""
    from mlflow.models import Model

    run_id, logged = ids
    try:
        model = Model.load(str(file))
    except (*UNREADABLE, TypeError, AttributeError) as error:  # whatever it has in place of a mapping
        raise StoreError(f"{file}, which is no model of MLflow: {error}") from error
    model.artifact_path, model.run_id, model.model_id = artifact_path, run_id, logged.model_id
    with beside(file) as part:
        model.save(str(part))


def log_entry(
    metrics: Sequence[Sequence[Any]] = (),
    tags: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Entry:
    """An entry of kind ``log``."""
    return {"do": "log", "metrics": list(metrics), "tags": dict(tags or {}), "params": dict(params or {})}
