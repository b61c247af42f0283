"""A migrated MLflow store to start from, and runs that several tests look at, each made once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from .process import Finished, run

Prepare = Callable[[Path], None]


class SharedRuns:
    """Runs by name, made at most once by all workers together. Whoever looks at one changes nothing in it."""

    def __init__(self, root: Path, store: Path) -> None:
        self._root, self._store = root, store

    def get(self, name: str, *args: str, prepare: Prepare | None = None, env: dict[str, str] | None = None) -> Finished:
        """The run of that name; ``prepare`` puts files into its folder first."""
        folder, note = self._root / name, self._root / f"{name}.json"
        with FileLock(self._root / f"{name}.lock"):
            if not note.exists():
                furnish(folder, self._store)
                if prepare is not None:
                    prepare(folder)
                made = run(folder, *args, env=env)
                note.write_text(json.dumps([made.code, made.out, made.err]), encoding="utf-8")
        code, out, err = json.loads(note.read_text(encoding="utf-8"))
        return Finished(folder, code, out, err)


def furnish(folder: Path, store: Path) -> None:
    """Puts a copy of the migrated store where the program looks for it."""
    (folder / "outputs").mkdir(parents=True)
    shutil.copy(store, folder / "outputs" / "mlflow.db")


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cli"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def store(common: Path) -> Path:
    """An sqlite store that MLflow has migrated, without a run in it; to be copied."""
    path = common / "template.db"
    with FileLock(common / "template.lock"):
        if not path.exists():
            MlflowClient(f"sqlite:///{common / 'new.db'}").search_experiments()
            shutil.copy(common / "new.db", path)
    return path


@pytest.fixture(scope="session")
def shared(common: Path, store: Path) -> SharedRuns:
    return SharedRuns(common, store)


@pytest.fixture
def place(tmp_path: Path, store: Path) -> Path:
    """A folder of one test's own, with a migrated store."""
    folder = tmp_path / "place"
    furnish(folder, store)
    return folder
