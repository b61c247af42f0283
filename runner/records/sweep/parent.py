"""The parent run of a sweep: in MLflow, and in the sweep's folder as a file that tells its jobs of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.errors import ConfigError, RunError, one_line
from runner.records.bringing import bring_sweep
from runner.records.files import write_json
from runner.records.forms import Form, Items, check_form
from runner.records.journal import NAME as JOURNAL
from runner.records.mlflow import MlflowRun
from runner.records.store import database_of

PARENT = "sweep.json"
FOUND = "optimization_results.yaml"
"""What Hydra's sweepers that search leave in the sweep's folder when they have ended."""
SCHEMA_VERSION = 1
FORM: Form = {
    **dict.fromkeys(("run_id", "uri", "experiment", "store", "title"), str),
    "keys": {...: str},
    "jobs": {...: Items(str)},
}
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
        resume: Whether to go on with the sweep that the folder has, if it has one.
    """

    folder: Path
    uri: str
    experiment: str
    title: str
    keys: Mapping[str, str]
    tags: Mapping[str, str]
    jobs: dict[int, list[str]] = field(default_factory=dict)
    resume: bool = False

    def __post_init__(self) -> None:
        self._mlflow = MlflowRun(self.uri, self.experiment, journal=self.folder / JOURNAL)
        self._before: dict[str, Any] = {}
        self._logged: set[tuple[str, int, float]] = set()

    @property
    def run_id(self) -> str | None:
        """Of the MLflow run, once it is made."""
        return self._mlflow.run_id

    @property
    def unsent(self) -> str | None:
        """Why MLflow was not told of all of the sweep's own, and the rest is in the journal of its folder."""
        return self._mlflow.unsent

    def announce(self, jobs: Mapping[int, list[str]]) -> None:
        """Tells of jobs that are about to begin; the first time, this makes the MLflow run, or opens it again.

        Raises:
            ConfigError: The experiment was deleted; the sweep to be resumed is another.
            RunError: MLflow's store cannot be reached.
        """
        if self.run_id is None:
            self._begin(jobs)
        self._check_same(jobs)
        self.jobs |= jobs
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

    def _begin(self, jobs: Mapping[int, list[str]]) -> None:
        tags = {**self.tags, "sweep": self.folder.name, "sweep_folder": str(self.folder.absolute())}
        if self.resume and (self.folder / PARENT).is_file():
            self._before = read_parent(self.folder)
            self._check_same(jobs)
            self.jobs |= {int(number): overrides for number, overrides in self._before["jobs"].items()}
            if (self.folder / JOURNAL).is_file():
                bring_sweep(self.folder, {})
            self._logged = self._mlflow.reopen(self._before["run_id"], self.title, tags)
        else:
            if self.resume:
                print(f"nothing to resume in {self.folder}: begins anew")
            params = {NOT_IN_NAMES.sub("_", key): values for key, values in self.keys.items()}
            for file in (JOURNAL, FOUND):
                (self.folder / file).unlink(missing_ok=True)
            self._mlflow.start(self.title, params, tags)
        if self.resume:
            self._mlflow.end_dead_runs(self.folder)

    def _check_same(self, jobs: Mapping[int, list[str]]) -> None:
        """The folder of a sweep that is resumed has numbers that are those of its jobs."""
        if not self._before:
            return
        mine = {"title": self.title, "store": _store(self.uri), "experiment": self.experiment}
        mine |= {f"job {number}": " ".join(overrides) for number, overrides in jobs.items()}
        theirs = self._before | {f"job {n}": " ".join(overrides) for n, overrides in self._before["jobs"].items()}
        for what, value in mine.items():
            if theirs.get(what, value) != value:
                words = "" if what == "title" else f" as its {what}"
                got = f"true in {self.folder}, a sweep of {theirs[what]}{words}, with {value}"
                raise ConfigError("resume", got, "the sweep that lies there, or another folder")

    def holds(self, uri: str, experiment: str) -> bool:
        """Whether what records there is nested in this sweep's run."""
        return (_store(uri), experiment) == (_store(self.uri), self.experiment)

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Metrics of the sweep; those of a job have its number as their step."""
        new = {key: value for key, value in metrics.items() if (key, step, value) not in self._logged}
        self._mlflow.log(new, step)

    def has_logged(self, key: str) -> bool:
        """Whether it had such a metric before it was resumed."""
        return key in {known for known, _, _ in self._logged}

    def finish(self, status: str, tags: Mapping[str, str], files: Sequence[Path]) -> None:
        """Ends the MLflow run as FINISHED, FAILED or KILLED, with its tags and the files of the sweep's folder."""
        self._mlflow.finish(status, tags, self.folder, files)

    def end_dead_runs(self) -> None:
        """Sets jobs whose process was killed to KILLED in MLflow.

        Raises:
            RunError: MLflow's store refuses.
        """
        self._mlflow.end_dead_runs()

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
        check_form(found, FORM)
        if not all(number.isdecimal() for number in found["jobs"]):
            raise ValueError("jobs has keys that are no numbers")
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(one_line(f"{sweep / PARENT}, which names the sweep's MLflow run: {error}")) from error
    return found


def _store(uri: str) -> str:
    """The store that a URI names, wherever the process works."""
    database = database_of(uri)
    return uri if database is None else str(database)
