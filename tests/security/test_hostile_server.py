"""A tracking server that means no good writes nowhere, runs nothing, and acts on no terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.commands import run_command

from .server import RUN_ID, serving

VERDICT = {"path": "verdict.json", "is_dir": False, "file_size": 2}
PATHS = ["../escaped", "a/../../escaped", "/tmp/escaped", "%2e%2e/escaped", "..\\escaped/../../escaped"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in a folder: nothing is to be made in either."""
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    return tmp_path


def made(place: Path) -> list[str]:
    """What lies there besides the two folders."""
    return sorted(str(file.relative_to(place)) for file in place.rglob("*") if file.name not in ("inner", "temporary"))


@pytest.mark.parametrize("is_dir", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("path", PATHS)
def test_an_artifact_goes_nowhere_else(
    place: Path, capsys: pytest.CaptureFixture[str], path: str, is_dir: bool
) -> None:
    with serving({}, [VERDICT, {"path": path, "is_dir": is_dir, "file_size": 2}], b"{}") as address:
        assert run_command(["report", RUN_ID, f"tracking.uri={address}"]) in (2, 3)
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert made(place) == []
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize("run_id", ["a/../../escaped", "../escaped", "", "0" * 31, f"{RUN_ID}\n"])
def test_an_id_that_is_none_is_not_used(place: Path, capsys: pytest.CaptureFixture[str], run_id: str) -> None:
    info = {"run_id": run_id, "run_uuid": run_id}
    with serving({"info": info}, [VERDICT], b"{}") as address:
        assert run_command(["report", "hostile", f"tracking.uri={address}"]) == 2
    assert "allowed: an id of 32 digits, 0 to f\n" in capsys.readouterr().err
    assert made(place) == []


ESCAPES = "\x1b]0;owned\x07\x1b[31m[red]\x9b31m\u202egnirts\x7f\r\n"


@pytest.mark.parametrize("command", [["runs"], ["report", RUN_ID], ["compare", RUN_ID, RUN_ID]], ids=lambda c: c[0])
def test_no_name_acts_on_a_terminal(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    tags: list[dict[str, Any]] = [{"key": "run_folder", "value": ESCAPES}, {"key": "verdict", "value": ESCAPES}]
    with serving({"info": {"run_name": ESCAPES}, "tags": tags}, [], b"{}") as address:
        run_command([*command, f"tracking.uri={address}"])
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert "\\x1b]0;owned" in out + err
    assert "[red]" in out + err


def test_a_local_folder_of_the_servers_choice_is_read_as_a_run_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = [{"key": "run_folder", "value": "/etc"}]
    with serving({"tags": tags}, []) as address:
        assert run_command(["report", RUN_ID, f"tracking.uri={address}"]) == 2
    assert "has no verdict.json among its artifacts" in capsys.readouterr().err
    assert made(place) == []
