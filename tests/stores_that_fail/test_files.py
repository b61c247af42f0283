"""A store that is a file which nobody can open is told at once: MLflow by itself would try for minutes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner.errors import RunError
from runner.records.reaching import DEADLINE
from runner.records.store import open_experiment


@pytest.mark.parametrize(
    ("name", "told"), [("m.db", "unable to open database file"), ("/proc/x.db", "No such file or directory")]
)
def test_what_cannot_be_opened_is_not_waited_for(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "m.db").symlink_to("m.db")
    uri, before = f"sqlite:///{tmp_path / name}", time.monotonic()
    with pytest.raises(RunError, match=f"^MLflow at {uri}: {told}$"):
        open_experiment(uri, "any")
    assert time.monotonic() - before < DEADLINE
