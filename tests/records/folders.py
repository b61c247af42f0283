"""Run folders written by the program's own writers, without an MLflow store, which takes seconds to make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.assemble import Setup
from runner.comparison.results import Comparison
from runner.comparison.tensors import PARAMETER
from runner.experiment import run_experiment
from runner.outcome import Record, Silent
from runner.records.document import write_outcome
from runner.records.drift import DriftTable
from runner.records.elements import ElementRoundings
from runner.records.environment import environment
from runner.records.files import write_json, write_yaml
from runner.records.gradients import gradients_file
from runner.records.tables import DeviationsTable
from runner.records.trajectories import Trajectories
from runner.steps import count_recorded
from tests.helpers import configuration, make_setup


class Written(Silent):
    """Writes what a page is made of, and keeps the losses."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.folder = folder
        self.table = DeviationsTable(folder / "deviations.parquet")
        self.updates: DeviationsTable | None = None
        self.elements = ElementRoundings(folder / "roundings.safetensors")
        self.gradients = gradients_file(folder / "gradients.safetensors", setup)
        shapes, count = setup.problem.network.shapes, count_recorded(setup)
        self.trajectories = Trajectories(folder / "trajectories.safetensors", shapes, count)
        self.drift = None if setup.lockstep else DriftTable(folder / "drift.parquet")
        self.losses: dict[str, list[float]] = {name: [] for name in setup.backends}

    def write(self, record: Record) -> None:
        for comparison in record.comparisons:
            self.table.add(record.step, comparison)
        self.elements.add(record.comparisons)
        self.trajectories.add(record.step, record.parameters)
        if self.drift is not None and record.distances:
            self.drift.add(record.distances)
        if self.gradients is not None:
            self.gradients.add(record.steps)
        for name, step in record.steps.items():
            self.losses[name].append(float(step.loss))

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        if all(name.startswith(PARAMETER) for name in comparisons[0].layout.names):
            return
        if self.updates is None:
            self.updates = DeviationsTable(self.folder / "updates.parquet")
        for comparison in comparisons:
            self.updates.add(step, comparison)

    def close(self) -> None:
        self.table.close()
        self.elements.close()
        self.trajectories.close()
        for file in (self.updates, self.gradients, self.drift):
            if file is not None:
                file.close()


def write_folder(folder: Path, *overrides: str) -> Written:
    """Runs, and leaves the folder of the run."""
    folder.mkdir(parents=True)
    setup = make_setup(*overrides)
    config: Mapping[str, Any] = configuration(*overrides)
    write_yaml(folder / "config.yaml", config)
    write_yaml(folder / "overrides.yaml", list(overrides))
    write_json(folder / "environment.json", environment(setup.problem.threads, []))
    written = Written(folder, setup)
    outcome = run_experiment(setup, written)
    written.close()
    write_outcome(folder, setup, outcome)
    return written
