"""A run in MLflow, written in batches."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.records.dead import end_dead_runs
from runner.records.files import utf8
from runner.records.store import as_run_error, open_experiment
from runner.records.writer import Hand, at_once

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, LoggedModel, Metric, RunTag

BATCH = 1000
PARAM_BATCH = 100
LONGEST_PARAM = 6000
LONGEST_NAME = 250
Row = tuple[str, float, int, int, str | None]
"""A metric: its key, value, milliseconds of the clock, step, and the model that it is of."""

SCORES = ("train/", "held_out/")
MODEL = "network"


class MlflowRun:
    """One run, from its creation to its end; a server's refusal is a RunError.

    Whole batches of metrics are handed to ``hand``; before ``log_model`` and ``finish`` they are to be written.
    """

    def __init__(self, uri: str, experiment: str, hand: Hand = at_once) -> None:
        self._uri, self._experiment, self._hand = uri, experiment, hand
        self._waiting: list[Row] = []
        self._nonfinite: dict[str, int] = {}
        self._model_id: str | None = None
        self.run_id: str | None = None
        self.ended: str | None = None

    def start(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Makes the run, with its parameters and tags."""
        self._client, self._experiment_id = open_experiment(self._uri, self._experiment)
        from mlflow.entities import Param

        with as_run_error(self._uri):
            tagged = {"mlflow.source.name": "runner", "mlflow.source.type": "LOCAL"}
            tagged |= {key: utf8(value) for key, value in tags.items()}
            called = utf8(name)[:LONGEST_NAME]
            run_id = self._client.create_run(self._experiment_id, tags=tagged, run_name=called).info.run_id
            self.run_id = run_id
            flat = [Param(key, _param(value)) for key, value in flatten(params)]
            for start in range(0, len(flat), PARAM_BATCH):
                self._client.log_batch(run_id, params=flat[start : start + PARAM_BATCH])

    def reopen(self, run_id: str) -> set[tuple[str, int, float]]:
        """Goes on with a run that was begun before; which metrics it has: key, step, value."""
        self._client, self._experiment_id = open_experiment(self._uri, self._experiment)
        with as_run_error(self._uri):
            self._client.update_run(run_id, "RUNNING")
            self.run_id = run_id
            keys = self._client.get_run(run_id).data.metrics
            logged = [metric for key in keys for metric in self._client.get_metric_history(run_id, key)]
        return {(metric.key, metric.step, metric.value) for metric in logged}

    def end_dead_runs(self) -> None:
        """Sets the runs of the experiment that no process records any more to KILLED."""
        with as_run_error(self._uri):
            end_dead_runs(self._client, [self._experiment_id])

    def log_inputs(self, inputs: Sequence[DatasetInput]) -> None:
        """Ties the data to the run."""
        if self.run_id is not None:
            with as_run_error(self._uri):
                self._client.log_inputs(self.run_id, inputs)

    def log_model(self, save: Callable[[LoggedModel, str], Path]) -> None:
        """Ties a model to the run: the folder that ``save`` makes for it and the run's id.

        The scores of the last epoch, and what is logged from here on, are the model's metrics too.
        """
        if self.run_id is None:
            return
        from mlflow.entities import LoggedModelOutput

        self._flush()
        with as_run_error(self._uri):
            model = self._client.create_logged_model(self._experiment_id, MODEL, self.run_id)
            try:
                self._client.log_outputs(self.run_id, [LoggedModelOutput(model.model_id, step=0)])
                self._client.log_model_artifacts(model.model_id, str(save(model, self.run_id)))
            except BaseException:
                self._client.finalize_logged_model(model.model_id, "FAILED")
                raise
            self._client.finalize_logged_model(model.model_id, "READY")
            self._model_id = model.model_id
            self._client.log_batch(self.run_id, metrics=self._scores(model.model_id))

    def _scores(self, model_id: str) -> list[Metric]:
        """Those of the last epoch once more, now as a model's; the run has them only once."""
        from mlflow.entities import Metric

        assert self.run_id is not None
        keys = [key for key in self._client.get_run(self.run_id).data.metrics if key.startswith(SCORES)]
        last = [max(self._client.get_metric_history(self.run_id, key), key=lambda metric: metric.step) for key in keys]
        return [Metric(m.key, m.value, m.timestamp, m.step, model_id=model_id) for m in last]

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Keeps metrics until a batch is full. What is not finite becomes a tag with its first step."""
        now = int(time.time() * 1000)
        for key, value in metrics.items():
            if value - value == 0:
                self._waiting.append((key, value, now, step, self._model_id))
            else:
                self._nonfinite.setdefault(key, step)
        while len(self._waiting) >= BATCH:  # never a batch of a few rows: row recording of docs/performance.md
            self._hand(partial(self._send, self._waiting[:BATCH]))
            del self._waiting[:BATCH]

    def finish(self, status: str, tags: Mapping[str, str], folder: Path, artifacts: Sequence[Path]) -> None:
        """Writes what is left, copies the artifacts of ``folder``, and ends the run as FINISHED, FAILED or KILLED."""
        if self.run_id is None:
            return
        from mlflow.entities import RunTag

        try:
            marks = {f"nonfinite.{key}": str(step) for key, step in self._nonfinite.items()}
            all_tags = [RunTag(key, utf8(value)) for key, value in {**tags, **marks}.items()]
            if len(self._waiting) > BATCH - PARAM_BATCH:
                self._flush()
            for start in range(0, len(all_tags), PARAM_BATCH):
                self._flush(all_tags[start : start + PARAM_BATCH])  # one call takes half of two: row short_jobs
            self._flush()
            for file in artifacts:
                below = file.parent.relative_to(folder).as_posix()
                with as_run_error(self._uri):
                    self._client.log_artifact(self.run_id, str(file), None if below == "." else below)
        except BaseException:
            self._end("FAILED")
            raise
        self._end(status)

    def _end(self, status: str) -> None:
        assert self.run_id is not None
        with as_run_error(self._uri):
            self._client.set_terminated(self.run_id, status)
            self.ended = status

    def delete(self) -> None:
        """Takes the run back: a search no longer finds it."""
        if self.run_id is not None:
            with as_run_error(self._uri):
                self._client.set_terminated(self.run_id, "FAILED")
                self._client.delete_run(self.run_id)

    def _flush(self, tags: Sequence[RunTag] = ()) -> None:
        if self._waiting or tags:
            self._send(self._waiting, tags)
            self._waiting = []

    def _send(self, rows: Sequence[Row], tags: Sequence[RunTag] = ()) -> None:
        if self.run_id is None:
            return
        from mlflow.entities import Metric

        metrics = [Metric(key, value, at, step, model_id=model) for key, value, at, step, model in rows]
        with as_run_error(self._uri):
            self._client.log_batch(self.run_id, metrics=metrics, tags=tags)


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings and lists as dotted keys: ``architecture.layers.0.layer``."""
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if items is None or (not value and prefix):
        yield prefix, value
        return
    for key, item in items:
        yield from flatten(item, f"{prefix}.{key}" if prefix else str(key))


def _param(value: Any) -> str:
    text = utf8(str(value))
    return text if len(text) <= LONGEST_PARAM else hashlib.sha256(text.encode()).hexdigest()
