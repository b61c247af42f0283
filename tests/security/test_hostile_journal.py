"""A run folder from anybody, whose journal would have `sync` send files that are none of the run's, or fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.commands import run_command
from runner.errors import RunError

NAMED = ("../secret", "/etc/hostname", "plots/../../secret", ".", "")
END = {"do": "end", "status": "FINISHED", "at": 5}


def head(folder: Path, **other: Any) -> dict[str, Any]:
    made = {"uri": f"sqlite:///{folder.parent / 'store.db'}", "experiment": "e", "name": "n", "tags": {}}
    return {"journal": 1, **made, "start_time": 1, "run_id": None, "nested": False, **other}


def write_journal(folder: Path, *lines: Mapping[str, Any] | str) -> None:
    folder.mkdir(exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "mlflow.journal").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def refused(folder: Path, capsys: pytest.CaptureFixture[str], code: int) -> str:
    """What `sync` says, in one line, having asked no store."""
    assert run_command(["sync", str(folder)]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1), err
    assert err.startswith("runner: ")
    assert not (folder.parent / "store.db").exists()
    return err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    return made


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize(("do", "key"), [("artifact", "file"), ("model", "folder")])
def test_a_file_outside_is_not_sent(
    do: str, key: str, named: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_journal(folder, head(folder), {"do": do, key: named}, END)
    assert "a journal of files in its own folder" in refused(folder, capsys, 2)


@pytest.mark.parametrize(
    ("named", "link", "to"),
    [
        ("plots/loss.png", "plots", "/etc"),
        ("notes.txt", "notes.txt", "../secret"),
        ("sub/up/secret", "sub/up", "../.."),
        ("notes.txt", "notes.txt", "notes.txt"),
    ],
)
def test_a_link_is_not_followed(
    named: str, link: str, to: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / link).parent.mkdir(exist_ok=True)
    (folder / link).symlink_to(to)
    write_journal(folder, head(folder), {"do": "artifact", "file": named}, END)
    assert f"in which {link} is a symbolic link" in refused(folder, capsys, 2)


def test_a_folder_that_stands_for_the_model_is_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "own" / "inner").mkdir(parents=True)
    (folder / "own" / "inner" / "weights").symlink_to("../../../secret")
    write_journal(folder, head(folder), {"do": "model", "folder": "own"}, END)
    assert "in which own/inner/weights is a symbolic link" in refused(folder, capsys, 2)


@pytest.mark.parametrize(
    ("entry", "code", "told"),
    [
        ({"do": "artifact", "file": "gone.txt"}, 3, "names gone.txt, which is not there"),
        ({"do": "artifact", "file": "a" * 300}, 3, "File name too long"),
        ({"do": "artifact", "file": "sub"}, 2, "sub is no regular file"),
        ({"do": "model", "folder": "there.txt"}, 2, "there.txt is no folder"),
    ],
)
def test_what_is_named_is_there(
    entry: dict[str, str], code: int, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "sub").mkdir()
    (folder / "there.txt").touch()
    write_journal(folder, head(folder), {"do": "log"}, entry, END)
    assert told in refused(folder, capsys, code)


def row(**other: Any) -> dict[str, Any]:
    """A metric, in which something is another thing."""
    metric = {"key": "a", "value": 1.0, "at": 1, "step": 1, "model": False, **other}
    return {"do": "log", "metrics": [list(metric.values())]}


DATASET = {"name": "n", "digest": "d", "source_type": "code", "source": "{}", "schema": None, "profile": None}
DAMAGED: dict[str, Mapping[str, Any] | str] = {
    "no do": {"x": 1},
    "do is 'bad', not one of made, log, inputs, model, artifact, end": {"do": "bad"},
    "do is ['log'], not one of": {"do": ["log"]},
    "no entry": "[]",
    "no JSON": "{",
    "nested too deeply": "[" * 100_000 + "]" * 100_000,
    "metrics is 'abc', not a list": {"do": "log", "metrics": "abc"},
    "metrics is None, not a list": {"do": "log", "metrics": None},
    "metrics[0] is ['a', 1], not a list of 5": {"do": "log", "metrics": [["a", 1]]},
    "metrics[0][0] is 1, not a text": row(key=1),
    "metrics[0][1] is 'x', not a number": row(value="x"),
    "metrics[0][1] is 1000": row(value=10**400),
    "metrics[0][1] is nan, not a finite number": row(value=float("nan")),
    "metrics[0][2] is -1, not a whole number from 0": row(at=-1),
    "metrics[0][3] is 9223372036854775808, not a whole": row(step=2**63),
    "metrics[0][4] is 1, not true or false": row(model=1),
    "tags is [1], not an object": {"do": "log", "tags": [1]},
    "tags.a is 1, not a text": {"do": "log", "tags": {"a": 1}},
    "params.a is {'b': 1}, not a text": {"do": "log", "params": {"a": {"b": 1}}},
    "a text in it has a NUL": {"do": "log", "tags": {"a": "b\0"}},
    "a text in it has half a character": {"do": "log", "tags": {"a": "\ud800"}},
    "no file": {"do": "artifact"},
    "file is 5, not a text": {"do": "artifact", "file": 5},
    "no folder": {"do": "model"},
    "inputs is 5, not a list": {"do": "inputs", "inputs": 5},
    "no inputs[0].dataset": {"do": "inputs", "inputs": [{}]},
    "inputs[0].dataset.schema is 1, not a text": {
        "do": "inputs",
        "inputs": [{"dataset": {**DATASET, "schema": 1}, "tags": {}}],
    },
    "no status": {"do": "end", "at": 5},
    "status is 'RUNNING', not one of FINISHED, FAILED, KILLED": {**END, "status": "RUNNING"},
    "at is 'x', not a whole number": {**END, "at": "x"},
    "no run_id": {"do": "made"},
    "run_id is 7, not a text": {"do": "made", "run_id": 7},
}
HEADS: dict[str, dict[str, Any]] = {
    "no journal of schema 1": {"journal": 2},
    "uri is None, not a text": {"uri": None},
    "experiment is 5, not a text": {"experiment": 5},
    "name is None, not a text": {"name": None},
    "tags is [1], not an object": {"tags": [1]},
    "start_time is 'x', not a whole number": {"start_time": "x"},
    "start_time is -1, not a whole number from 0": {"start_time": -1},
    "run_id is ['x'], not a text": {"run_id": ["x"]},
    "nested is 'yes', not true or false": {"nested": "yes"},
    "a text in it has a NUL": {"uri": "sqlite:///a\0b"},
}


@pytest.mark.parametrize("told", DAMAGED)
def test_a_damaged_line_is_told_by_its_number(told: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_journal(folder, head(folder), {"do": "log", "tags": {"a": r"\\u0000"}}, DAMAGED[told], END)
    assert f"mlflow.journal: line 3: {told}" in refused(folder, capsys, 3)


@pytest.mark.parametrize("told", HEADS)
def test_so_is_a_damaged_head(told: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_journal(folder, head(folder, **HEADS[told]), END)
    assert f"mlflow.journal: line 1: {told}" in refused(folder, capsys, 3)


def test_nothing_follows_the_end_but_how_the_run_is_called(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_journal(folder, head(folder), END, {"do": "made", "run_id": "a"}, {"do": "log"})
    assert "mlflow.journal: line 4: the run has ended before it" in refused(folder, capsys, 3)


@pytest.mark.parametrize("uri", ["http://me:hunter2@127.0.0.1:9/", "postgresql://me:hunter2@127.0.0.1:9/x"])
def test_an_address_with_a_password_is_refused_and_not_repeated(
    uri: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_journal(folder, head(folder, uri=uri), END)
    told = refused(folder, capsys, 2)
    assert "with a password in it" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("uri", ["", "file:///tmp/x", "databricks", "/tmp/x"])
def test_what_is_no_address_of_a_store_is_refused(uri: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_journal(folder, head(folder, uri=uri), END)
    assert f"mlflow.journal, with tracking.uri: '{uri}'; allowed: " in refused(folder, capsys, 2)


def test_no_failure_repeats_a_password() -> None:
    assert str(RunError("MLflow at http://me:hunter2@host:5000: gone")) == "MLflow at http://***@host:5000: gone"


def test_a_model_that_is_none_is_told(folder: Path, migrated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(migrated, folder.parent / "store.db")
    (folder / "model").mkdir()
    (folder / "model" / "MLmodel").write_text("[1]", encoding="utf-8")
    write_journal(folder, head(folder), {"do": "model", "folder": "model"}, END)
    assert run_command(["sync", str(folder)]) == 3
    err = capsys.readouterr().err
    assert err.startswith(f"runner: {folder}/model/MLmodel, which is no model of MLflow: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("change", [{"jobs": {"0": 1}}, {"uri": 5}, {"run_id": None}, {"keys": []}])
def test_a_sweep_that_is_damaged_is_told(
    change: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = {"run_id": "a", "uri": "u", "experiment": "e", "store": "s", "title": "t", "keys": {}, "jobs": {}}
    (folder / "sweep.json").write_text(json.dumps({**sweep, **change}), encoding="utf-8")
    (folder / "sweep.csv").touch()
    (folder / "0").mkdir()
    write_journal(folder / "0", head(folder), "{")
    assert run_command(["sync", str(folder)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("0/mlflow.journal: line 2: no JSON")
    assert lines[1].startswith(f"runner: {folder}/sweep.json, which names the sweep's MLflow run: ")
