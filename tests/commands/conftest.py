"""One grading and one store of runs that several tests look at, made once by all workers together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from tests.cli.process import Finished, run
from tests.sharing import common_folder

from .recorded import Store, make_store, read_store
from .submissions import OVERRIDES, TIMEOUT, furnish


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The submissions in ``all of them``, graded into ``out``; whoever looks at it changes nothing in it."""
    place = common_folder(tmp_path_factory, "commands")
    folder, note = place / "grade", place / "grade.json"
    with FileLock(place / "grade.lock"):
        if not note.exists():
            furnish(folder / "all of them")
            limits = (f"grade.timeout={TIMEOUT}", "grade.memory=2", "grade.out=out")
            made = run(folder, "grade", "all of them", *OVERRIDES, *limits)
            note.write_text(json.dumps([made.code, made.out, made.err]), encoding="utf-8")
    code, out, err = json.loads(note.read_text(encoding="utf-8"))
    return Finished(folder, code, out, err)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Store:
    """The recorded runs; whoever looks at them changes nothing in them."""
    place = common_folder(tmp_path_factory, "commands")
    with FileLock(place / "store.lock"):
        if not (place / "store" / "runs.json").exists():
            make_store(place / "store", migrated)
    return read_store(place / "store")
