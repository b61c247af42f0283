"""`python -m runner sync`: runs that wait for it, runs that were deleted, and what is told."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from runner.commands import run_command

METRIC = {"do": "log", "metrics": [["loss/torch", 0.5, 2, 1, False]], "tags": {"verdict": "agree"}, "params": {}}
END = {"do": "end", "status": "FINISHED", "at": 5}


class Waiting:
    """A run that is RUNNING in a store, with a folder that nobody works in and a journal in it."""

    def __init__(self, place: Path, migrated: Path) -> None:
        self.uri = f"sqlite:///{shutil.copy(migrated, place / 'store.db')}"
        self.client = MlflowClient(self.uri)
        self.folder = place / "run"
        self.folder.mkdir()
        self.tags = {"run_folder": str(self.folder), "host": platform.node()}
        self._experiment = self.client.create_experiment("e")
        self.run_id = self.client.create_run(self._experiment, start_time=1, tags=self.tags).info.run_id

    def write(self, *lines: Mapping[str, Any], to: str = "run/mlflow.journal", **other: Any) -> None:
        made = {"uri": self.uri, "experiment": "e", "name": "n", "tags": self.tags, "start_time": 1}
        file = self.folder.parent / to
        file.parent.mkdir(exist_ok=True)
        head = {"journal": 1, **made, "run_id": self.run_id, **other}
        file.write_text("".join(f"{json.dumps(line)}\n" for line in (head, *lines)), encoding="utf-8")

    def state(self) -> str:
        return str(self.client.get_run(self.run_id).info.status)

    def states(self) -> list[str]:
        """Of all runs that are not deleted."""
        return [run.info.status for run in self.client.search_runs([self._experiment])]


@pytest.fixture
def waiting(tmp_path: Path, migrated: Path) -> Waiting:
    return Waiting(tmp_path, migrated)


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([METRIC, END], "FAILED"),
        ([METRIC, {**END, "status": "KILLED"}], "KILLED"),
        ([METRIC], "KILLED"),
        ([{"do": "nothing that there is"}, END], "KILLED"),
    ],
)
def test_a_run_that_came_to_its_end_and_waits_for_sync_was_not_killed(
    lines: list[dict[str, Any]], shown: str, waiting: Waiting, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting.write(*lines)
    assert run_command(["runs", f"tracking.uri={waiting.uri}"]) == 0
    assert shown.lower() in capsys.readouterr().out
    assert waiting.state() == shown
    if lines[0] == METRIC:
        assert run_command(["sync", str(waiting.folder)]) == 0
        assert waiting.state() == (lines[-1]["status"] if lines[-1]["do"] == "end" else "KILLED")


def test_the_journal_of_another_run_in_the_folder_says_nothing_of_this_one(waiting: Waiting) -> None:
    waiting.write(METRIC, END, run_id="0" * 32)
    assert run_command(["runs", f"tracking.uri={waiting.uri}"]) == 0
    assert waiting.state() == "KILLED"


def test_a_run_that_was_deleted_is_made_anew(waiting: Waiting, capsys: pytest.CaptureFixture[str]) -> None:
    waiting.write(METRIC, END)
    waiting.client.delete_run(waiting.run_id)
    assert run_command(["sync", str(waiting.folder)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert waiting.states() == ["FINISHED"]
    assert waiting.run_id not in out
    assert run_command(["sync", str(waiting.folder)]) == 0
    assert waiting.states() == ["FINISHED"]


def test_one_cause_is_told_once(waiting: Waiting, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loop.db").symlink_to("loop.db")
    for number in range(3):
        waiting.write(METRIC, END, to=f"{number}/mlflow.journal", uri=f"sqlite:///{tmp_path / 'loop.db'}")
    waiting.write({"do": "nothing that there is"}, to="3/mlflow.journal")
    assert run_command(["sync", str(tmp_path)]) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"runner: MLflow at sqlite:///{tmp_path / 'loop.db'}: unable to open database file"
    assert second.startswith(f"runner: {tmp_path / '3' / 'mlflow.journal'}: line 2: do is ")
    assert len(list(tmp_path.rglob("*.journal"))) == 4
