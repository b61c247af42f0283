"""Runs that several tests look at, each made once, and a folder to run in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.sharing import common_folder, furnish

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


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session share."""
    return common_folder(tmp_path_factory, "cli")


@pytest.fixture(scope="session")
def shared(common: Path, migrated: Path) -> SharedRuns:
    return SharedRuns(common, migrated)


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    """A folder of one test's own, with a migrated store."""
    folder = tmp_path / "place"
    furnish(folder, migrated)
    return folder
