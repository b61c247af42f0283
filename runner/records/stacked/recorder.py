"""Keeps the records of a stack of runs: one folder, one MLflow run, and the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rich.text import Text

from runner import stopping
from runner.backends.base import Step
from runner.records.console import Console, plain_table
from runner.records.description import escaped, fitting
from runner.records.environment import devices_of, environment
from runner.records.files import remove_begun
from runner.records.folder import begin_folder
from runner.records.gradients import GradientsFile, copy_parameters
from runner.records.identity import Identity, tags_of
from runner.records.journal import NAME as JOURNAL
from runner.records.journal import discard_journals
from runner.records.stacked.each import EachReplica
from runner.records.stacked.summary import Summary, quantiles, write_replicas, write_verdict
from runner.records.stacked.table import ReplicasTable
from runner.records.summary import open_run
from runner.records.sweep.summary import QUANTILES
from runner.records.writer import Writer
from runner.stacked.looked import Detail
from runner.stacked.run import Silent, StackedOutcome, StackedRecord
from runner.stacked.stack import Stack
from runner.steps import count_recorded

FILES = (
    *("config.yaml", "overrides.yaml", "environment.json", "verdict.json", "replicas.csv", "replicas.parquet"),
    *("gradients.safetensors", "parameters.safetensors"),
)
LARGEST = 2**30
"""Bytes that the gradients of a stack may take in its folder; those of a larger one are not kept."""


class StackRecorder(Silent):
    """Everything is written as it comes; a stack ends by ``finish`` or, if it could not, by ``abandon``.

    ``alone`` gives the command that runs a replica by itself.
    """

    detail: ClassVar[Detail] = Detail.WORST

    def __init__(self, stack: Stack, identity: Identity, alone: Callable[[int], str]) -> None:
        self._stack, self._setup, self._identity, self._alone = stack, stack.first, identity, alone
        self._console = _StackConsole(stack, quiet=identity.sweep is not None)
        self._writer = Writer()
        setup = stack.first
        place = (setup.tracking_uri, setup.tracking_experiment)
        self._mlflow = open_run(setup.record_metrics, *place, self._writer.hand, identity.folder / JOURNAL)
        self._table: ReplicasTable | None = None
        self._gradients: GradientsFile | None = None
        each = identity.config["record"]["replicas"] == "each"
        self._each = EachReplica(count_recorded(self._setup), self._setup.record_metrics) if each else None

    @property
    def run_id(self) -> str | None:
        """Of the MLflow run, once it is made."""
        return self._mlflow.run_id

    @property
    def unsent(self) -> str | None:
        """Why MLflow was not told of all, and the rest is in the journal."""
        return self._mlflow.unsent or (self._each.unsent if self._each is not None else None)

    def start(self) -> None:
        """Makes the MLflow run, the folder and its first files, and shows the network."""
        identity, setup = self._identity, self._setup
        folder, names = identity.folder, list(setup.backends)
        found = environment(setup.problem.threads, []) | devices_of(setup.backends)
        discard_journals(folder)
        tags = tags_of(identity, setup, found)
        self._mlflow.start(identity.title, _params(identity.config), tags, later=identity.sweep is not None)
        begin_folder(identity, self._files(), found)
        of = (self._stack.seeds, self._stack.rates, names[-1])
        self._table = ReplicasTable(folder / "replicas.parquet", *of, self._writer.hand)
        if setup.record_gradients and bytes_of_gradients(self._stack) <= LARGEST:
            shapes = {name: (len(self._stack.seeds), *s) for name, s in setup.problem.network.shapes.items()}
            path = folder / "gradients.safetensors"
            count, hand = count_recorded(setup), self._writer.hand
            self._gradients = GradientsFile(path, names, shapes, setup.dtype, count, hand)
        self._console.start()

    @property
    def finished(self) -> bool:
        """Whether the MLflow run came to its end."""
        return self._mlflow.ended == "FINISHED"

    def progress(self, step: int) -> None:
        stopping.check()
        self._writer.check()
        self._console.progress(step)

    def write(self, record: StackedRecord) -> None:
        """Every file has the step, or none has it."""
        with stopping.uninterrupted():
            self._write(record)

    def _write(self, record: StackedRecord) -> None:
        assert self._table is not None
        wanted = record.found.wanted
        self._table.add(record.step, record.found)
        if self._gradients is not None:
            self._gradients.add({name: _of_running(step, wanted) for name, step in record.steps.items()})
        if self._each is not None:
            self._each.add(record.step, record.steps, wanted)
        for name, step in record.steps.items():
            losses = step.loss[wanted & np.isfinite(step.loss)].astype(np.float64)
            if losses.size:
                found = {f"replicas/loss/{name}/{q}": value for q, value in quantiles(losses).items()}
                self._mlflow.log(found, record.step)

    def finish(self, outcome: StackedOutcome, ready: Callable[[Summary], None]) -> Summary:
        """Closes the files, then the MLflow run, then shows the verdicts.

        ``ready`` is called when all is written but what is copied to MLflow.
        """
        folder, initial = self._identity.folder, self._stack.initial
        summary = Summary(self._stack.seeds, self._stack.rates, list(self._setup.backends), outcome, self._alone)
        self._close_files()
        copy_parameters(folder / "parameters.safetensors", {**initial.parameters, **initial.buffers}, outcome.final)
        write_replicas(folder / "replicas.csv", summary)
        write_verdict(folder / "verdict.json", summary)
        uri, experiment = self._setup.tracking_uri, self._setup.tracking_experiment
        if self._each is not None:
            self._each.write(uri, experiment, self._identity, self.run_id, summary)
        self._mlflow.log(_metrics(summary), 0)
        tags = {"verdict": summary.worst_verdict.verdict, "mlflow.note.content": _note(summary)}
        ready(summary)
        self._mlflow.finish("FINISHED", tags, folder, self._artifacts())
        places = {
            "run folder": str(folder),
            "MLflow run": f"{self.run_id or 'not made yet,'} in experiment {experiment}",
            "worst alone": self._alone(summary.worst),
        }
        self._console.finish_stack(summary, self._identity.title, places)
        return summary

    def abandon(self, status: str) -> None:
        """Ends a stack that could not finish as FAILED or KILLED, what was recorded kept."""
        self._console.stop()
        if status == "KILLED":
            self._mlflow.hurry()  # the writer may wait for it
        try:
            self._close_files()
        finally:
            remove_begun(self._files())
            self._mlflow.finish(status, {}, self._identity.folder, self._artifacts())

    def _files(self) -> list[Path]:
        return [self._identity.folder / name for name in FILES]

    def _artifacts(self) -> list[Path]:
        return [file for file in self._files() if file.is_file()]

    def _close_files(self) -> None:
        """Every file is closed, though one may fail, which is raised then."""
        files = (self._table, self._gradients)
        self._table = self._gradients = None
        for file in files:
            if file is not None:
                file.close()
        self._writer.join()


class _StackConsole(Console):
    """The console of a stack."""

    def __init__(self, stack: Stack, quiet: bool) -> None:
        super().__init__(stack.first, quiet)
        self._stack = stack

    def start(self) -> None:
        super().start()
        if self._quiet:
            return
        seeds, setup, rates = self._stack.seeds, self._stack.first, dict.fromkeys(self._stack.rates)
        each = f", each with lr {', '.join(f'{lr:g}' for lr in rates)}" if len(rates) > 1 else ""
        self.line(f"{len(seeds)} replicas, seeds {seeds[0]} to {seeds[-1]}{each}")
        size = bytes_of_gradients(self._stack)
        if setup.record_gradients and size > LARGEST:
            self.line(f"gradients are not kept: they would take {size / 2**30:.1f} GiB, and at most 1 is taken")

    def rates(self) -> str:
        return super().rates() if len(set(self._stack.rates)) == 1 else ""

    def finish_stack(self, summary: Summary, title: str, places: dict[str, str]) -> None:
        """Quantiles, counts, the worst replica, and where the results lie."""
        self.stop()
        words = Text(summary.words(), "bold green" if summary.agree else "bold red")
        if self._quiet:
            self._out.print(Text(f"{title}: "), words)
            return
        table = plain_table(["over the replicas"], "over the replicas", *QUANTILES)
        for name, found in summary.quantiles().items():
            table.add_row(Text(name), *(f"{value:.6g}" for value in found.values()))
        self.line("")
        self._out.print(table)
        self.line("")
        self._out.print(words)
        self.line(f"the worst: {summary.worst_words()}")
        self.line("")
        for label, value in places.items():
            self.line(f"{label:<12} {value}")


def _params(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without a learning rate that no replica has."""
    return {key: value for key, value in config.items() if key != "lr" or config["lrs"] is None}


def bytes_of_gradients(stack: Stack) -> int:
    """What the gradients of all backends, replicas and recorded steps take."""
    setup = stack.first
    numbers = sum(map(prod, setup.problem.network.shapes.values())) * len(stack.seeds) * count_recorded(setup)
    return numbers * len(setup.backends) * setup.dtype.itemsize


def _of_running(step: Step, wanted: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Step:
    """The same, NaN in the gradients of replicas that have ended."""
    if wanted.all():
        return step
    gradients = {name: np.array(gradient) for name, gradient in step.gradients.items()}
    for gradient in gradients.values():
        gradient[~wanted] = np.nan
    return Step(step.loss, step.prediction, gradients)


def _metrics(summary: Summary) -> dict[str, float]:
    """How many replicas have which verdict, and the quantiles of every figure over them."""
    found = {"replicas/count": float(len(summary.seeds)), "verdict/agree": float(summary.agree)}
    found |= {f"verdict/{kind}": summary.most(kind) for kind in ("precision_roundings", "logic_roundings")}
    found |= {f"replicas/{verdict}": float(count) for verdict, count in summary.counts.items()}
    of_figures = summary.quantiles().items()
    return found | {f"replicas/{name}/{q}": value for name, by_q in of_figures for q, value in by_q.items()}


def _note(summary: Summary) -> str:
    """The description of the MLflow run."""
    command = summary.alone(summary.worst)
    lines = [f"**{escaped(summary.words())}**", "", f"The worst: {escaped(summary.worst_words())}", ""]
    return fitting("\n".join([*lines, "To run it alone:", "", f"    {command}"]), "verdict.json")
