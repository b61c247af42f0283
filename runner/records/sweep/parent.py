"""The parent run of a sweep: in MLflow, and in the sweep's folder as a file that tells its jobs of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.errors import RunError, one_line
from runner.records.files import write_json
from runner.records.mlflow import MlflowRun
from runner.records.store import database_of

PARENT = "sweep.json"
SCHEMA_VERSION = 1
NOT_IN_NAMES = re.compile(r"[^\w.\-: /]")
"""What MLflow does not take in a parameter's name."""


@dataclass
class Parent:
    """One sweep in MLflow, from before its first job to its end.

    Attributes:
        folder: The sweep's folder.
        uri: Where MLflow's store is.
        experiment: The experiment in it.
        title: The sweep's overrides, as they were typed.
        keys: Each key that is swept, with its values in one text.
        tags: What the run in MLflow is tagged with from its beginning.
        jobs: Of each job that was launched its number and overrides.
    """

    folder: Path
    uri: str
    experiment: str
    title: str
    keys: Mapping[str, str]
    tags: Mapping[str, str]
    jobs: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._mlflow = MlflowRun(self.uri, self.experiment)

    @property
    def run_id(self) -> str | None:
        """Of the MLflow run, once it is made."""
        return self._mlflow.run_id

    def announce(self, jobs: Mapping[int, list[str]]) -> None:
        """Tells of jobs that are about to begin; the first time, this makes the MLflow run.

        Raises:
            ConfigError: The experiment was deleted.
            RunError: MLflow's store cannot be reached.
        """
        self.jobs |= jobs
        if self.run_id is None:
            params = {NOT_IN_NAMES.sub("_", key): values for key, values in self.keys.items()}
            tags = {"sweep": self.folder.name, "sweep_folder": str(self.folder.absolute())}
            self._mlflow.start(self.title, params, {**self.tags, **tags})
        document = {
            "schema": SCHEMA_VERSION,
            "run_id": self.run_id,
            "uri": self.uri,
            "experiment": self.experiment,
            "store": _store(self.uri),
            "title": self.title,
            "keys": dict(self.keys),
            "jobs": {str(number): overrides for number, overrides in self.jobs.items()},
        }
        write_json(self.folder / PARENT, document)

    def holds(self, uri: str, experiment: str) -> bool:
        """Whether what records there is nested in this sweep's run."""
        return (_store(uri), experiment) == (_store(self.uri), self.experiment)

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Metrics of the sweep; those of a job have its number as their step."""
        self._mlflow.log(metrics, step)

    def finish(self, status: str, tags: Mapping[str, str], files: Sequence[Path]) -> None:
        """Ends the MLflow run as FINISHED, FAILED or KILLED, with its tags and the files of the sweep's folder."""
        self._mlflow.finish(status, tags, self.folder, files)

    def withdraw(self) -> None:
        """Takes back a sweep of which nothing was run."""
        self._mlflow.delete()
        (self.folder / PARENT).unlink(missing_ok=True)


def parent_of(sweep: Path, uri: str, experiment: str) -> str | None:
    """The run in which a job of the sweep is nested; none where the job records elsewhere.

    MLflow shows runs as nested within one experiment alone.

    Raises:
        RunError: The sweep's file cannot be read.
    """
    found = read_parent(sweep)
    same = (found["store"], found["experiment"]) == (_store(uri), experiment)
    return str(found["run_id"]) if same else None


def read_parent(sweep: Path) -> dict[str, Any]:
    """The sweep's file.

    Raises:
        RunError: It cannot be read.
    """
    try:
        found: dict[str, Any] = json.loads((sweep / PARENT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(one_line(f"{sweep / PARENT}, which names the sweep's MLflow run: {error}")) from error
    return found


def _store(uri: str) -> str:
    """The store that a URI names, wherever the process works."""
    database = database_of(uri)
    return uri if database is None else str(database)
