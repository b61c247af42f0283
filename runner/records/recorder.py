"""Keeps the records of one run: its folder, its MLflow run and the console."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from runner import stopping
from runner.assemble import Setup
from runner.comparison.drift import Distance
from runner.comparison.results import Comparison
from runner.comparison.tensors import PARAMETER
from runner.evaluation import Epoch
from runner.experiment import Outcome, Record, count_recorded
from runner.records.console import Console
from runner.records.dataset import dataset_inputs
from runner.records.description import description
from runner.records.document import write_outcome
from runner.records.drift import DriftTable, distance_metrics, growth_metrics
from runner.records.elements import ElementRoundings
from runner.records.environment import devices_of, environment
from runner.records.faults import Undrawn, noting, tell_undrawn
from runner.records.files import remove_begun, write_text
from runner.records.gradients import GradientsFile, GradientsText, gradients_file
from runner.records.identity import Identity, begin_folder, tags_of
from runner.records.journal import NAME as JOURNAL
from runner.records.journal import discard_journals
from runner.records.metrics import epoch_metrics, step_metrics, verdict_metrics, verdict_tags
from runner.records.minimal import Minimal, minimal_files
from runner.records.mlflow import MlflowRun
from runner.records.model import remove_model, save_model
from runner.records.reading import read_run
from runner.records.system import SystemMetrics
from runner.records.tables import DeviationsTable
from runner.records.trajectories import Trajectories
from runner.records.writer import Writer

TABLES = (
    *("deviations.parquet", "updates.parquet", "drift.parquet"),
    *("gradients.safetensors", "roundings.safetensors", "trajectories.safetensors", "parameters.safetensors"),
)
FILES = ("config.yaml", "overrides.yaml", "environment.json", "verdict.json", "report.html", *TABLES)


class RunRecorder:
    """Everything is written as it comes; a run ends by ``finish`` or, if it could not, by ``abandon``."""

    def __init__(self, setup: Setup, identity: Identity) -> None:
        self._setup, self._identity = setup, identity
        self._console = Console(setup, quiet=identity.sweep is not None)
        self._writer = Writer()
        place = (setup.tracking_uri, setup.tracking_experiment)
        self._mlflow = MlflowRun(*place, self._writer.hand, identity.folder / JOURNAL)
        self._table: DeviationsTable | None = None
        self._updates: DeviationsTable | None = None
        self._drift: DriftTable | None = None
        self._gradients: GradientsFile | None = None
        self._text: GradientsText | None = None
        self._elements: ElementRoundings | None = None
        self._trajectories: Trajectories | None = None
        self._system = SystemMetrics() if setup.system_metrics else None

    def start(self) -> None:
        """Makes the MLflow run, the folder and its first files, and shows the network."""
        identity, setup = self._identity, self._setup
        folder = identity.folder
        own = self._own_files()
        found = environment(setup.problem.threads, list(own.values())) | devices_of(setup.backends)
        discard_journals(folder)
        tags = tags_of(identity, setup, found)
        self._mlflow.start(identity.title, identity.config, tags, later=identity.sweep is not None)
        self._mlflow.log_inputs(dataset_inputs(setup, identity.config))
        begin_folder(identity, self._files(), found)
        remove_model(folder)
        for copy, file in own.items():
            write_text(copy, file.read_text(encoding="utf-8"))
        hand = self._writer.hand
        self._table = DeviationsTable(folder / "deviations.parquet", hand)
        if not setup.lockstep:
            self._drift = DriftTable(folder / "drift.parquet", hand)
        self._gradients = gradients_file(folder / "gradients.safetensors", setup, hand)
        if self._gradients is not None:
            self._text = GradientsText(folder / "gradients", folder / "gradients.safetensors", hand)
        if setup.record_plots:
            shapes, count = setup.problem.network.shapes, count_recorded(setup)
            self._elements = ElementRoundings(folder / "roundings.safetensors", hand)
            self._trajectories = Trajectories(folder / "trajectories.safetensors", shapes, count, hand)
        self._console.start()

    @property
    def run_id(self) -> str | None:
        """Of the MLflow run, once it is made."""
        return self._mlflow.run_id

    @property
    def finished(self) -> bool:
        """Whether the MLflow run came to its end."""
        return self._mlflow.ended == "FINISHED"

    @property
    def unsent(self) -> str | None:
        """Why MLflow was not told of all, and the rest is in the journal."""
        return self._mlflow.unsent

    def progress(self, step: int) -> None:
        stopping.check()
        self._writer.check()
        self._console.progress(step)
        if self._system is not None and self._system.due():
            with stopping.uninterrupted():
                self._mlflow.log(*self._system.sample())

    def write(self, record: Record) -> None:
        """Every file has the step, or none has it."""
        with stopping.uninterrupted():
            self._write(record)

    def _write(self, record: Record) -> None:
        assert self._table is not None
        for comparison in record.comparisons:
            self._table.add(record.step, comparison)
        self._keep(record.distances)
        if self._gradients is not None and self._text is not None:
            self._gradients.add(record.steps)
            self._text.add(record.step)
        if self._elements is not None and self._trajectories is not None:
            self._elements.add(record.comparisons)
            self._trajectories.add(record.step, record.parameters)
        self._console.keep(record)
        self._mlflow.log(step_metrics(record), record.step)

    def write_update(self, step: int, comparisons: Sequence[Comparison]) -> None:
        """Kept where the backends carry more than their parameters."""
        with stopping.uninterrupted():
            self._write_update(step, comparisons)

    def _write_update(self, step: int, comparisons: Sequence[Comparison]) -> None:
        if all(name.startswith(PARAMETER) for name in comparisons[0].layout.names):
            return
        if self._updates is None:
            self._updates = DeviationsTable(self._identity.folder / "updates.parquet", self._writer.hand)
        for comparison in comparisons:
            self._updates.add(step, comparison)
        if comparisons[0].logic is not None:
            worst = float(np.fmax.reduce([c.precision.roundings.max() for c in comparisons]))
            self._mlflow.log({"update/roundings": worst}, step)

    def write_epoch(self, epoch: Epoch) -> None:
        with stopping.uninterrupted():
            self._mlflow.log(epoch_metrics(epoch), epoch.step)

    def finish(self, outcome: Outcome, minimal: Minimal | None, ready: Callable[[], None]) -> None:
        """Closes the files, then the MLflow run, then shows the verdict.

        ``ready`` is called when all is written but what is copied to MLflow.
        """
        folder, verdict = self._identity.folder, outcome.verdict
        self._keep(outcome.distances)
        self._close_files()
        write_outcome(folder, self._setup, outcome, minimal=None if minimal is None else asdict(minimal))
        self._draw(folder)
        if self._system is not None:
            self._mlflow.log(*self._system.sample())
        if self._setup.record_model:
            self._mlflow.log_model(save_model(folder, self._setup, outcome.final))
        self._mlflow.log(verdict_metrics(verdict) | growth_metrics(outcome.drift), 0)
        note = description(verdict, list(self._setup.backends), self._identity.command)
        tags = verdict_tags(verdict) | {"mlflow.note.content": note}
        ready()
        self._mlflow.finish("FINISHED", tags, folder, self._artifacts())
        uri = self._setup.tracking_uri
        places = {
            "run folder": str(folder),
            "MLflow run": f"{self.run_id or 'not made yet,'} in experiment {self._setup.tracking_experiment}",
            "to look": f"mlflow ui --backend-store-uri {uri}" if "://" in uri and not uri.startswith("http") else uri,
        }
        if not verdict.agree and self._identity.command:
            places["to replay"] = self._identity.command
        if minimal is not None:
            places["minimal case"] = ": ".join(filter(None, [minimal.words, minimal.command]))
        self._console.finish(outcome, self._identity.title, places)

    def _draw(self, folder: Path) -> None:
        """The plots, if they are wanted, and the page.

        They only show what other files hold. So a fault in drawing one is told, and the verdict stands; a file that
        cannot be written is a record that cannot be kept, and ends the run.

        Raises:
            OSError: A file cannot be written.
        """
        from runner.records.report import write_report

        run = read_run(folder)
        faults: list[Undrawn] = []
        if self._setup.record_plots:
            from runner.records.plots import draw_plots  # matplotlib takes half a second to import

            faults += draw_plots(run, self._setup, svg=self._setup.record_svg)[1]
        with noting("report.html", faults):
            write_report(run, self._setup)
        self._console.stop()
        tell_undrawn(folder, faults)

    def abandon(self, status: str) -> None:
        """Ends a run that could not finish as FAILED or KILLED, what was recorded kept."""
        self._console.stop()
        if status == "KILLED":
            self._mlflow.hurry()  # the writer may wait for it
        try:
            self._close_files()
        finally:
            remove_begun(self._files())
            self._mlflow.finish(status, {}, self._identity.folder, self._artifacts())

    def _files(self) -> list[Path]:
        """What a run may leave in its folder; a person's own files may lie there too."""
        views = [f"gradients/{backend}.txt" for backend in self._setup.backends]
        folder = self._identity.folder
        plots = [*folder.glob("plots/*.png"), *folder.glob("plots/*.svg")]
        return [*(folder / name for name in (*FILES, *views)), *plots, *minimal_files(folder), *self._own_files()]

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
        """Every file is closed, though one may fail, which is raised then."""
        files = (self._table, self._updates, self._drift, self._gradients, self._text)
        self._table = self._updates = self._drift = self._gradients = self._text = None
        for file in (*files, self._elements, self._trajectories):
            if file is not None:
                file.close()
        self._elements = self._trajectories = None
        self._writer.join()
