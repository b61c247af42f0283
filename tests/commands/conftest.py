"""One grading that several tests look at, made once by all workers together."""

from __future__ import annotations

import json
import os

import pytest
from filelock import FileLock

from tests.cli.process import Finished, run

from .submissions import OVERRIDES, TIMEOUT, furnish


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The submissions in ``all of them``, graded into ``out``; whoever looks at it changes nothing in it."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "commands"
    place.mkdir(exist_ok=True)
    folder, note = place / "grade", place / "grade.json"
    with FileLock(place / "grade.lock"):
        if not note.exists():
            furnish(folder / "all of them")
            limits = (f"grade.timeout={TIMEOUT}", "grade.memory=2", "grade.out=out")
            made = run(folder, "grade", "all of them", *OVERRIDES, *limits)
            note.write_text(json.dumps([made.code, made.out, made.err]), encoding="utf-8")
    code, out, err = json.loads(note.read_text(encoding="utf-8"))
    return Finished(folder, code, out, err)
