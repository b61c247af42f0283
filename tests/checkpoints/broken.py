"""Runs that are broken off at chosen steps and gone on with, by the program's own files and without an MLflow store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.assemble import Setup
from runner.carried import Carried
from runner.checkpoints.file import NAME, read_checkpoint, write_checkpoint
from runner.comparison.results import Comparison
from runner.experiment import run_experiment
from runner.outcome import Record, Silent
from runner.records.document import write_outcome
from runner.records.run_files import FilesState, RunFiles
from runner.records.writer import at_once
from tests.helpers import make_setup


class BrokenOffError(Exception):
    """The run is no more."""


@dataclass(frozen=True)
class Kept:
    """What a checkpoint of these runs holds."""

    carried: Carried
    files: FilesState


class Keeper(Silent):
    """Writes what grows in a run's folder, and its checkpoints; is no more when step ``end`` is to begin."""

    def __init__(self, folder: Path, setup: Setup, end: int | None) -> None:
        self._path, self._end = folder / NAME, end
        self._found = read_checkpoint(self._path, Kept) if self._path.exists() else None
        self.files = RunFiles(folder, setup, at_once, None if self._found is None else self._found.files)
        self.begun: list[int] = []

    def progress(self, step: int) -> None:
        if step == self._end:
            raise BrokenOffError
        self.begun.append(step)

    def write(self, record: Record) -> None:
        self.files.write(record)

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        self.files.write_update(step, comparisons)

    def checkpoint(self, carried: Carried) -> None:
        self.files.flush()
        write_checkpoint(self._path, Kept(carried, self.files.state()))

    def carried(self) -> Carried | None:
        return None if self._found is None else self._found.carried


def run(folder: Path, *overrides: str, ends: Sequence[int] = ()) -> list[list[int]]:
    """Runs, broken off before each of these steps, to its end; which steps each part of it did.

    Its last checkpoint stays in the folder.
    """
    folder.mkdir()
    parts = []
    for end in (*ends, None):
        setup = make_setup(*overrides)
        keeper = Keeper(folder, setup, end)
        try:
            outcome = run_experiment(setup, keeper)
        except BrokenOffError:
            keeper.files.leave()
        else:
            keeper.files.write_distances(outcome.distances)
            keeper.files.close()
            write_outcome(folder, setup, outcome)
        parts.append(keeper.begun)
    return parts


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below ``folder``."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
