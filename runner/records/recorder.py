"""Keeps the records of one run: its folder, its MLflow run and the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runner import stopping
from runner.assemble import Setup
from runner.comparison.drift import Distance
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict
from runner.comparison.tensors import PARAMETER
from runner.evaluation import Epoch
from runner.experiment import Outcome, Record, is_recorded
from runner.records.console import Console
from runner.records.drift import DriftTable, distance_metrics, drift_document, growth_metrics
from runner.records.environment import environment
from runner.records.files import remove_parts, write_json, write_text, write_yaml
from runner.records.gradients import GradientsFile, GradientsText, copy_parameters
from runner.records.minimal import Minimal, minimal_files
from runner.records.mlflow import MlflowRun
from runner.records.tables import DeviationsTable
from runner.records.words import sentence

SCHEMA_VERSION = 1
TABLES = ("deviations.parquet", "updates.parquet", "drift.parquet", "gradients.safetensors", "parameters.safetensors")
FILES = ("config.yaml", "overrides.yaml", "environment.json", "verdict.json", *TABLES)


@dataclass(frozen=True)
class Identity:
    """Who a run is: its folder, its overrides, its sweep (none for a run of its own), its whole configuration.

    ``command`` replays it; empty where none can, a backend having been handed over by a Python program.
    """

    folder: Path
    overrides: list[str]
    sweep: str | None
    config: Mapping[str, Any]
    command: str

    @property
    def title(self) -> str:
        """The overrides, as the run's name."""
        return " ".join(self.overrides) or "default"

    @property
    def job_key(self) -> str:
        """What a job is found again by: the sweep and the overrides, in an order that does not matter."""
        return " ".join([self.sweep or str(self.folder), *sorted(self.overrides)])


class RunRecorder:
    """Everything is written as it comes; a run ends by ``finish`` or, if it could not, by ``abandon``."""

    def __init__(self, setup: Setup, identity: Identity) -> None:
        self._setup, self._identity = setup, identity
        self._console = Console(setup, quiet=identity.sweep is not None)
        self._mlflow = MlflowRun(setup.tracking_uri, setup.tracking_experiment)
        self._table: DeviationsTable | None = None
        self._updates: DeviationsTable | None = None
        self._drift: DriftTable | None = None
        self._gradients: GradientsFile | None = None
        self._text: GradientsText | None = None

    def start(self) -> None:
        """Makes the MLflow run, the folder and its first files, and shows the network."""
        identity, setup = self._identity, self._setup
        folder = identity.folder
        tags = {"job_key": identity.job_key, "run_folder": str(folder.absolute())}
        self._mlflow.start(identity.title, identity.config, tags)
        folder.mkdir(parents=True, exist_ok=True)
        remove_parts(self._files())
        for file in self._files():
            file.unlink(missing_ok=True)
        write_yaml(folder / "config.yaml", dict(identity.config))
        write_yaml(folder / "overrides.yaml", identity.overrides)
        own = self._own_files()
        write_json(folder / "environment.json", environment(setup.problem.threads, list(own.values())))
        for copy, file in own.items():
            write_text(copy, file.read_text(encoding="utf-8"))
        backends = list(setup.backends)
        self._table = DeviationsTable(folder / "deviations.parquet")
        if not setup.lockstep:
            self._drift = DriftTable(folder / "drift.parquet")
        if setup.record_gradients:
            shapes = {name: p.shape for name, p in setup.problem.network.parameters.items()}
            count = sum(is_recorded(setup, step) for step in range(setup.steps))
            self._gradients = GradientsFile(folder / "gradients.safetensors", backends, shapes, setup.dtype, count)
            self._text = GradientsText(folder / "gradients", backends)
        self._console.start()

    def progress(self, step: int) -> None:
        stopping.check()
        self._console.progress(step)

    def write(self, record: Record) -> None:
        assert self._table is not None
        for comparison in record.comparisons:
            self._table.add(record.step, comparison)
        self._keep(record.distances)
        if self._gradients is not None and self._text is not None:
            self._gradients.add(record.steps)
            self._text.add(record.step, record.steps)
        self._console.keep(record)
        self._mlflow.log(_metrics(record), record.step)

    def write_update(self, step: int, comparisons: Sequence[Comparison]) -> None:
        """Kept where the backends carry more than their parameters."""
        if all(name.startswith(PARAMETER) for name in comparisons[0].layout.names):
            return
        if self._updates is None:
            self._updates = DeviationsTable(self._identity.folder / "updates.parquet")
        for comparison in comparisons:
            self._updates.add(step, comparison)
        if comparisons[0].logic is not None:
            worst = float(np.fmax.reduce([c.precision.roundings.max() for c in comparisons]))
            self._mlflow.log({"update/roundings": worst}, step)

    def write_epoch(self, epoch: Epoch) -> None:
        metrics = {}
        for part, found in (("train", epoch.train), ("held_out", epoch.held_out)):
            for backend, scores in found.items():
                metrics[f"{part}/loss/{backend}"] = scores.loss
                if scores.accuracy is not None:
                    metrics[f"{part}/accuracy/{backend}"] = scores.accuracy
        self._mlflow.log(metrics, epoch.step)

    def finish(self, outcome: Outcome, minimal: Minimal | None = None) -> None:
        """Closes the files, then the MLflow run, then shows the verdict."""
        folder, verdict = self._identity.folder, outcome.verdict
        self._keep(outcome.distances)
        self._close_files()
        initial = self._setup.initial
        copy_parameters(folder / "parameters.safetensors", {**initial.parameters, **initial.buffers}, outcome.final)
        found = {"minimal": None if minimal is None else asdict(minimal)}
        write_json(folder / "verdict.json", verdict_document(outcome, list(self._setup.backends)) | found)
        self._mlflow.log(_verdict_metrics(verdict) | growth_metrics(outcome.drift), 0)
        self._mlflow.finish("FINISHED", _verdict_tags(verdict), folder, self._artifacts())
        uri = self._setup.tracking_uri
        places = {
            "run folder": str(folder),
            "MLflow run": f"{self._mlflow.run_id} in experiment {self._setup.tracking_experiment}",
            "to look": f"mlflow ui --backend-store-uri {uri}" if "://" in uri and not uri.startswith("http") else uri,
        }
        if not verdict.agree and self._identity.command:
            places["to replay"] = self._identity.command
        if minimal is not None:
            places["minimal case"] = ": ".join(filter(None, [minimal.words, minimal.command]))
        self._console.finish(outcome, self._identity.title, places)

    def abandon(self, status: str) -> None:
        """Ends a run that could not finish as FAILED or KILLED, what was recorded kept."""
        self._console.stop()
        try:
            self._close_files()
        finally:
            remove_parts(self._files())
            self._mlflow.finish(status, {}, self._identity.folder, self._artifacts())

    def _files(self) -> list[Path]:
        """What a run may leave in its folder; a person's own files may lie there too."""
        views = [f"gradients/{backend}.txt" for backend in self._setup.backends]
        folder = self._identity.folder
        return [*(folder / name for name in (*FILES, *views)), *minimal_files(folder), *self._own_files()]

    def _own_files(self) -> dict[Path, Path]:
        """Copies of the files that the user's own backends are made of, and the files themselves."""
        folder = self._identity.folder / "files"
        return {folder / n / f.name: f for n, choice in self._setup.backends.items() for f in choice.files()}

    def _artifacts(self) -> list[Path]:
        return [file for file in self._files() if file.is_file()]

    def _keep(self, distances: Sequence[Distance]) -> None:
        if self._drift is not None and distances:
            self._drift.add(distances)
            self._mlflow.log(distance_metrics(distances), distances[0].updates)

    def _close_files(self) -> None:
        for file in (self._table, self._updates, self._drift, self._gradients, self._text):
            if file is not None:
                file.close()
        self._table = self._updates = self._drift = self._gradients = self._text = None


def _metrics(record: Record) -> dict[str, float]:
    """One step's metrics; of several backends the worst, each tensor."""
    metrics = {f"loss/{name}": float(step.loss) for name, step in record.steps.items()}
    names = record.comparisons[0].layout.names
    deviations = np.fmax.reduce([c.deviation.max_abs for c in record.comparisons])
    metrics |= {f"deviation/max_abs/{name}": float(v) for name, v in zip(names, deviations, strict=True)}
    if record.comparisons[0].logic is not None:
        roundings = np.fmax.reduce([c.precision.roundings for c in record.comparisons])
        metrics |= {f"deviation/roundings/{name}": float(v) for name, v in zip(names, roundings, strict=True)}
    return metrics


def _verdict_metrics(verdict: RunVerdict) -> dict[str, float]:
    return {
        "verdict/agree": float(verdict.agree),
        "verdict/logic_roundings": verdict.worst("logic_roundings"),
        "verdict/precision_roundings": verdict.worst("roundings"),
        "verdict/second_looks": float(verdict.second_looks),
        "verdict/third_looks": float(verdict.third_looks),
    }


def _verdict_tags(verdict: RunVerdict) -> dict[str, str]:
    tags = {"verdict": verdict.verdict}
    if verdict.first is not None:
        tags |= {"verdict.first_step": str(verdict.first.step), "verdict.first_tensor": verdict.first.tensor}
        explanation = verdict.explanations.get(verdict.first.backend)
        tags |= {"verdict.cause": explanation.cause if explanation is not None else "unknown"}
    return tags


def verdict_document(outcome: Outcome, backends: list[str]) -> dict[str, Any]:
    """verdict.json: the whole verdict, a row a tensor, and the drift."""
    verdict = outcome.verdict
    return {
        "schema": SCHEMA_VERSION,
        "verdict": verdict.verdict,
        "sentence": sentence(verdict, backends),
        "backends": backends,
        "judged_steps": verdict.judged_steps,
        "second_looks": verdict.second_looks,
        "third_looks": verdict.third_looks,
        "logic_roundings": verdict.worst("logic_roundings"),
        "precision_roundings": verdict.worst("roundings"),
        "first": None if verdict.first is None else asdict(verdict.first),
        "findings": verdict.findings,
        "explanations": {name: asdict(e) for name, e in verdict.explanations.items()},
        "noise_over": verdict.noise_over,
        "blind_below": verdict.blind_below,
        "tensors": [{"tensor": name, **asdict(t)} for name, t in verdict.tensors.items()],
        "evaluation": None if outcome.epoch is None else asdict(outcome.epoch),
        "updates": [{"tensor": name, **asdict(t)} for name, t in verdict.updates.items()],
        "drift": drift_document(outcome.drift),
    }
