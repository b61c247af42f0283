"""`shrink=true` on the command line: the command that it prints replays a smaller case of the same mismatch."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from .conftest import SharedRuns
from .process import ROOT, Finished, run
from .stores import client, read_json, runs

WRONG = ("--config-dir", str(ROOT / "tests" / "faults" / "conf"), "backend=[missing_slope,torch]", "data.samples=6")
LINE = re.compile(
    r"^minimal case (1 sample, layers \S+ \(from 6 samples, layers 2-10-10-1\)): (python .*)$", re.MULTILINE
)


@pytest.fixture
def wrong(shared: SharedRuns) -> Finished:
    return shared.get("shrunk run", *WRONG, "shrink=true")


def causes(document: Any) -> list[str]:
    return [cause["name"] for e in document["explanations"].values() for cause in e["causes"]]


def test_the_printed_command_ends_with_1_and_the_same_cause(wrong: Finished) -> None:
    assert (wrong.code, wrong.err) == (1, "")
    found = LINE.search(wrong.out)
    assert found, wrong.out
    words = shlex.split(found[2])[1:]
    again = typed(wrong.folder, found[2], "again")
    first = read_json(wrong.run_folder / "verdict.json")
    assert causes(again) == causes(first) == ["slope_missing"]
    assert again["first"]["step"] == 0
    assert again["minimal"] is None
    assert first["minimal"] == {"words": found[1], "folder": words[3], "command": found[2]}
    assert (wrong.folder / words[3]).samefile(wrong.run_folder / "minimal")


def typed(folder: Path, command: str, into: str) -> Any:
    """The verdict of a command that a run has printed."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "runner"]
    done = run(folder, *words[3:], f"hydra.run.dir={into}")
    assert (done.code, done.err) == (1, "")
    return read_json(folder / into / "verdict.json")


def test_the_line_to_replay_names_the_folder_of_a_users_own_choices(wrong: Finished) -> None:
    line = re.search("^to replay +(python .*)$", wrong.out, re.MULTILINE)
    assert line, wrong.out
    assert typed(wrong.folder, line[1], "once more")["first"] == read_json(wrong.run_folder / "verdict.json")["first"]


def test_mlflow_keeps_the_files(wrong: Finished) -> None:
    reader = client(wrong.folder)
    found = {file.path for file in reader.list_artifacts(runs(reader)[0].info.run_id, "minimal")}
    assert found == {f"minimal/{file.name}" for file in (wrong.run_folder / "minimal").iterdir()}
    assert "minimal/experiment" in found


def test_a_job_of_a_sweep_has_its_own(place: Path) -> None:
    finished = run(
        place, "-m", *WRONG, "shrink=true", "record.plots=false", "backend=[missing_factor,torch],[scratch,torch]"
    )
    assert finished.code == 1
    (sweep,) = (place / "outputs" / "sweeps").glob("*/*")
    minimal = [read_json(sweep / number / "verdict.json")["minimal"] for number in "01"]
    assert (place / minimal[0]["folder"]).samefile(sweep / "0" / "minimal")
    assert minimal[1] is None
