"""One server for all workers of the tests: the first that needs it starts it, and stops it when nobody needs it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.sharing import common_folder, furnish

from .postgres import SAFETY, missing
from .team import QUICK, Team, as_json, team


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    if why := missing():
        pytest.skip(why)
    folder = common_folder(tmp_path_factory, "team")
    lock, note, own = FileLock(folder / "lock"), folder / "team.json", folder / str(os.getpid())
    with lock:
        if note.exists():
            own.touch()
    if own.exists():
        yield Team(**json.loads(note.read_text(encoding="utf-8")))
        own.unlink()
        return
    own.mkdir()
    with lock, team(own, *QUICK) as started:
        note.write_text(as_json(started), encoding="utf-8")
        lock.release()
        yield started
        lock.acquire()
        note.unlink()
        deadline = time.monotonic() + SAFETY
        while any(path.is_file() and path.name.isdigit() for path in folder.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    """A folder of one test's own, with a migrated store."""
    folder = tmp_path / "place"
    furnish(folder, migrated)
    return folder
