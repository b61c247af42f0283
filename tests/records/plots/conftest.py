"""Runs that several tests draw, each recorded once; whoever looks at one changes nothing in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from runner.assemble import Setup, assemble
from runner.recording import record_run
from runner.records.identity import Identity
from runner.records.reading import RecordedRun, read_run
from tests.helpers import CATALOG, configuration


@dataclass(frozen=True)
class Drawn:
    """A recorded run, and the setup that it was made with."""

    run: RecordedRun
    setup: Setup


Recorded = Callable[..., Drawn]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Recorded:
    """Makes a run from its overrides, or gives the one that was made from the same."""
    root = tmp_path_factory.mktemp("recorded")
    shutil.copy(migrated, root / "mlflow.db")
    uri = f"sqlite:///{root / 'mlflow.db'}"

    @cache
    def made(*overrides: str) -> Drawn:
        folder = root / str(len(list(root.iterdir())))
        config = configuration(*overrides, f"tracking.uri={uri}")
        setup = assemble(config, CATALOG)
        record_run(setup, Identity(folder, list(overrides), None, config, ""))
        return Drawn(read_run(folder), setup)

    return made


@pytest.fixture
def copied(recorded: Recorded, tmp_path: Path) -> Recorded:
    """The same, in a folder that may be written to."""

    def copy(*overrides: str) -> Drawn:
        made = recorded(*overrides)
        shutil.copytree(made.run.folder, tmp_path / "run")
        return Drawn(read_run(tmp_path / "run"), made.setup)

    return copy
