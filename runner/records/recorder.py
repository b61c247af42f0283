"""Keeps the records of one run: its folder, its MLflow run and the console."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from runner import stopping
from runner.assemble import Setup
from runner.carried import Carried
from runner.checkpoints.checkpoint import Checkpoint, Checkpoints, Records, changes, leftovers
from runner.comparison.drift import Distance
from runner.comparison.results import Comparison
from runner.comparison.tensors import PARAMETER
from runner.evaluation import Epoch
from runner.outcome import Outcome, Record
from runner.records.bringing import bring_run
from runner.records.console import Console
from runner.records.dataset import dataset_inputs
from runner.records.description import description
from runner.records.document import write_outcome
from runner.records.drawn import draw
from runner.records.drift import distance_metrics, growth_metrics
from runner.records.environment import devices_of, environment
from runner.records.faults import tell_undrawn
from runner.records.files import remove_begun, write_text
from runner.records.folder import begin_folder, files_of, own_files
from runner.records.identity import Identity, tags_of
from runner.records.journal import NAME as JOURNAL
from runner.records.journal import discard_journals, journals_in
from runner.records.metrics import epoch_metrics, step_metrics, verdict_metrics, verdict_tags
from runner.records.minimal import Minimal
from runner.records.model import remove_model, save_model
from runner.records.pending import Pending, milliseconds
from runner.records.run_files import RunFiles
from runner.records.summary import open_run
from runner.records.system import SystemMetrics
from runner.records.writer import Writer


class RunRecorder:
    """Everything is written as it comes; a run ends by ``finish`` or, if it could not, by ``abandon``."""

    def __init__(self, setup: Setup, identity: Identity) -> None:
        self._setup, self._identity = setup, identity
        self._console = Console(setup, quiet=identity.sweep is not None)
        self._writer = Writer()
        place = (setup.tracking_uri, setup.tracking_experiment)
        self._mlflow = open_run(setup.record_metrics, *place, self._writer.hand, identity.folder / JOURNAL)
        self._growing: RunFiles | None = None
        self._checkpoints = Checkpoints(setup, identity)
        self._system = SystemMetrics() if setup.system_metrics else None
        self._begun = False

    def start(self) -> None:
        """Makes the MLflow run, the folder and its first files, and shows the network; or goes on with all of it."""
        setup, own = self._setup, own_files(self._identity.folder, self._setup)
        self._environment = environment(setup.problem.threads, list(own.values())) | devices_of(setup.backends)
        self._mlflow.held = setup.checkpoint_every is not None
        if self._checkpoints.found is None:
            self._begin(own)
        else:
            self._go_on(self._checkpoints.found)
        self._console.start()

    def _begin(self, own: Mapping[Path, Path]) -> None:
        identity, setup, found = self._identity, self._setup, self._environment
        discard_journals(identity.folder)
        later = identity.sweep is not None and setup.checkpoint_every is None
        self._mlflow.start(identity.title, identity.config, tags_of(identity, setup, found), later)
        self._mlflow.log_inputs(dataset_inputs(setup, identity.config))
        self._begun = True
        begin_folder(identity, [*files_of(identity.folder, setup), *leftovers(identity.folder)], found)
        remove_model(identity.folder)
        for copy, file in own.items():
            write_text(copy, file.read_text(encoding="utf-8"))
        self._growing = RunFiles(identity.folder, setup, self._writer.hand)

    def _go_on(self, checkpoint: Checkpoint) -> None:
        records, changed = checkpoint.records, "; ".join(changes(checkpoint.environment, self._environment))
        identity, setup = self._identity, self._setup
        anew: dict[str, str] = {}
        if journals_in(identity.folder):
            bring_run(identity.folder, anew)
        run_id = anew.get(records.run_id, records.run_id)
        self._mlflow.reopen(run_id, identity.title, tags_of(identity, setup, self._environment))
        self._mlflow.count_resumed(changed)
        self._mlflow.clock, self._mlflow.pending = records.ended_at, records.metrics
        self._mlflow.release()
        remove_model(identity.folder)
        self._growing = RunFiles(identity.folder, setup, self._writer.hand, records.files)
        self._console.published, self._console.done = records.published, checkpoint.carried.progress.step
        if self._system is not None:
            self._system.taken = records.samples
        if changed:
            words = "going on, though no longer bitwise as without the break, with"
            print(f"runner: {identity.folder}: {words} {changed}", file=sys.stderr)

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
        assert self._growing is not None
        self._growing.write(record)
        self._log_distances(record.distances)
        self._console.keep(record)
        self._mlflow.log(step_metrics(record), record.step)

    def write_update(self, step: int, comparisons: Sequence[Comparison]) -> None:
        """Kept where the backends carry more than their parameters."""
        if not all(name.startswith(PARAMETER) for name in comparisons[0].layout.names):
            with stopping.uninterrupted():
                self._write_update(step, comparisons)

    def _write_update(self, step: int, comparisons: Sequence[Comparison]) -> None:
        assert self._growing is not None
        self._growing.write_update(step, comparisons)
        if comparisons[0].logic is not None:
            worst = float(np.fmax.reduce([c.precision.roundings.max() for c in comparisons]))
            self._mlflow.log({"update/roundings": worst}, step)

    def write_epoch(self, epoch: Epoch) -> None:
        with stopping.uninterrupted():
            self._mlflow.log(epoch_metrics(epoch), epoch.step)

    def carried(self) -> Carried | None:
        return self._checkpoints.carried()

    def checkpoint(self, carried: Carried) -> None:
        """All records so far are on the disk; metrics are sent once the checkpoint has them.

        So what is in MLflow is in a checkpoint too, and is sent again, if at all, with the time that it had.
        """
        with stopping.uninterrupted():
            self._keep(carried)

    def _keep(self, carried: Carried) -> None:
        assert self._growing is not None
        assert self.run_id is not None
        if carried.progress.ended:
            if self._system is not None:
                self._mlflow.log(*self._system.sample())
            self._mlflow.clock = milliseconds()
        self._growing.flush()
        self._writer.drain()
        records = Records(
            self.run_id,
            self._growing.state(),
            self._console.published,
            0 if self._system is None else self._system.taken,
            self._mlflow.pending,
            self._mlflow.clock,
        )
        self._checkpoints.write(self._environment, carried, records)
        self._mlflow.release()

    def finish(self, outcome: Outcome, minimal: Minimal | None, ready: Callable[[], None]) -> None:
        """Closes the files, then the MLflow run, then shows the verdict.

        ``ready`` is called when all is written but what is copied to MLflow.
        """
        folder, verdict = self._identity.folder, outcome.verdict
        assert self._growing is not None
        self._growing.write_distances(outcome.distances)
        self._log_distances(outcome.distances)
        self._close_files()
        write_outcome(folder, self._setup, outcome, minimal=None if minimal is None else asdict(minimal))
        faults = draw(folder, self._setup)
        self._console.stop()
        tell_undrawn(folder, faults)
        if self._system is not None and self._mlflow.clock is None:  # else it was taken when the last step was done
            self._mlflow.log(*self._system.sample())
        if self._setup.record_model:
            self._mlflow.log_model(save_model(folder, self._setup, outcome.final))
        self._mlflow.log(verdict_metrics(verdict) | growth_metrics(outcome.drift), 0)
        note = description(verdict, list(self._setup.backends), self._identity.command)
        tags = verdict_tags(verdict) | {"mlflow.note.content": note}
        ready()
        self._mlflow.finish("FINISHED", tags, folder, self._artifacts())
        self._checkpoints.remove()
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

    def abandon(self, status: str) -> None:
        """Ends a run that could not finish as FAILED or KILLED, what was recorded kept.

        With a checkpoint, all stays as that knows it, and what is newer will come again.
        """
        self._console.stop()
        stands = self._checkpoints.stands
        if status == "KILLED":
            self._mlflow.hurry()  # the writer may wait for it
        if stands:
            self._mlflow.pending = Pending()
        elif self._mlflow.held:
            self._mlflow.release()
        try:
            if stands:
                self._leave_files()
            else:
                self._close_files()
        finally:
            if self._begun and not stands:
                remove_begun(files_of(self._identity.folder, self._setup))
            self._mlflow.finish(status, {}, self._identity.folder, self._artifacts())

    def _artifacts(self) -> list[Path]:
        return [file for file in files_of(self._identity.folder, self._setup) if file.is_file()]

    def _log_distances(self, distances: Sequence[Distance]) -> None:
        if distances:
            self._mlflow.log(distance_metrics(distances), distances[0].updates)

    def _leave_files(self) -> None:
        """What was handed over is written; nothing is put into its place."""
        growing, self._growing = self._growing, None
        try:
            self._writer.join()
        finally:
            if growing is not None:
                growing.leave()

    def _close_files(self) -> None:
        """Every file is closed, though one may fail, which is raised then."""
        growing, self._growing = self._growing, None
        if growing is not None:
            growing.close()
        self._writer.join()
