"""What a store has of a run, and runs that have little patience."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.cli.asking import CONSTANTS
from tests.cli.process import Finished, environment, warm_process
from tests.cli.stores import artifacts

OWN = (
    "tracking.uri",
    "tracking.experiment",
    "run_folder",
    "job_key",
    "resume_key",
    "mlflow.runName",
    "mlflow.note.content",
)
"""Parameters and tags that name a run's own place."""
IMPATIENT = {CONSTANTS: "runner.records.reaching:DEADLINE=2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
QUICK = ("data.samples=60", "data.held_out=0.2", "record.plots=false")
"""A run with a thousand metrics, so that a batch is sent while it trains, and scores on what is held out."""


def run_impatient(folder: Path, *words: str) -> Finished:
    """A run that tries a call again for a second, and waits a few for an answer."""
    return Finished(folder, *warm_process().run(folder, words, environment(**IMPATIENT)))


def runs_of(uri: str, experiment: str) -> list[Run]:
    """Those of an experiment, deleted ones left out."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return list(client.search_runs([found.experiment_id]))


def content(uri: str, run: Run) -> dict[str, Any]:
    """All that a run has recorded but for what names its place.

    A metric that is recorded twice is in it twice.
    """
    client, run_id = MlflowClient(uri), run.info.run_id
    histories = {key: client.get_metric_history(run_id, key) for key in run.data.metrics}
    inputs = run.inputs
    assert run.info.end_time is not None
    assert inputs is not None
    for history in histories.values():
        assert all(run.info.start_time <= metric.timestamp <= run.info.end_time for metric in history)
    return {
        "status": run.info.status,
        "params": {key: value for key, value in run.data.params.items() if key not in OWN},
        "tags": {key: value for key, value in run.data.tags.items() if key not in OWN},
        "metrics": {key: sorted((m.step, m.value) for m in history) for key, history in histories.items()},
        "inputs": [(made.dataset.digest, made.tags[0].value) for made in inputs.dataset_inputs],
        "models": len(run.outputs.model_outputs) if run.outputs is not None else 0,
        "artifacts": artifacts(client, run),
    }


def checksums(uri: str, run: Run, folder: Path) -> dict[str, str]:
    """Of every artifact, as the store has it; they are copied into a new ``folder``."""
    folder.mkdir()
    place = Path(MlflowClient(uri).download_artifacts(run.info.run_id, "", str(folder)))
    return {str(p.relative_to(place)): _digest(p) for p in place.rglob("*") if p.is_file()}


def of_folder(folder: Path, names: set[str]) -> dict[str, str]:
    """The same of a run folder's files."""
    return {name: _digest(folder / name) for name in names}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
