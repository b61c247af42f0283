"""How grading ends: all agree, bad input, no place for the results, interrupted."""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from runner.commands import results, run_command
from runner.records.files import part_of, write_text
from tests.cli.process import end, start
from tests.cli.test_terminal import CONTROL, on_a_terminal
from tests.cli.warm import SAFETY

from .submissions import ENDLESS, OVERRIDES, RIGHT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "subs").mkdir()
    (tmp_path / "subs" / "right.py").write_text(RIGHT, encoding="utf-8")
    return tmp_path


def test_all_agree_and_a_terminal_gets_a_progress_bar(folder: Path) -> None:
    code, sent = on_a_terminal(folder, "grade", "subs", *OVERRIDES)
    plain = CONTROL.sub("", sent)
    assert code == 0, plain
    assert re.search(r"grading .*[01]/1", plain)
    assert "1 submission: 1 agree" in plain
    (table,) = (folder / "outputs" / "grades").glob("*/*/grades.csv")
    assert list(pd.read_csv(table)["verdict"]) == ["agree"]


BAD = [
    ([], "grade", "python -m runner grade FOLDER"),
    (["nowhere"], "FOLDER", "'nowhere'"),
    (["empty"], "FOLDER", "no *.py in it"),
    (["subs", "lr=fast"], "lr", "a number"),
    (["subs", "architecture.depth=3"], "architecture.depth", "a key that is not known"),
    (["subs", "backend=[scratch,torch]"], "backend", "the command itself says"),
    (["subs", "backend.function.path=a.py:f"], "backend.function.path", "the command itself says"),
    (["subs", "+backend.third={use: scratch}"], "backend", "function and torch alone"),
    (["subs", "backend.function.layout=in"], "backend.function.layout", "torch, in_out"),
    (["subs", "backend.function.names={W: nothing}"], "backend.function.names.W", "a parameter"),
    (["subs", "-m"], "command line", "no flags"),
    (["subs", "grade.timeout=0"], "grade.timeout", "seconds, from 0.1"),
    (["subs", "grade.timeout=nan"], "grade.timeout", "seconds, from 0.1"),
    (["subs", "grade.memory=much"], "grade.memory", "GiB, from 1"),
    (["subs", "grade.function=a-b"], "grade.function", "the name of a Python function"),
    (["subs", "grade.time=3"], "grade.time", "did you mean timeout?"),
    (["subs", "grade.out=subs"], "grade.out", "a folder that is new or empty"),
]


@pytest.mark.parametrize(
    ("words", "key", "told"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_input_is_one_line_and_nothing_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], key: str, told: str
) -> None:
    (folder / "empty").mkdir()
    assert run_command(["grade", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: {key}: got ")
    assert told in err
    assert not (folder / "outputs").exists()


def test_results_that_cannot_be_written_are_no_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").touch()
    assert run_command(["grade", "subs", "grade.out=file/out"]) == 3
    assert capsys.readouterr().err == "runner: grade.out: file/out could not be made (Not a directory)\n"


def test_a_disk_that_refuses_is_told_in_one_line_and_what_was_written_is_whole(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (folder / "subs" / name).write_text("def\n", encoding="utf-8")
    written = []

    def refuse_the_second(path: Path, text: str) -> None:
        if path.name == "grades.csv" and path in written:
            part_of(path).write_text(text[:10], encoding="utf-8")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        write_text(path, text)

    monkeypatch.setattr(results, "write_text", refuse_the_second)
    assert run_command(["grade", "subs", *OVERRIDES, "grade.out=out"]) == 3
    told = "runner: out/grades.csv: No space left on device; 1 of 4 are graded, in out/grades.csv\n"
    assert capsys.readouterr().err == told
    assert len(pd.read_csv(folder / "out" / "grades.csv")) == 1
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_stop_ends_the_processes_and_keeps_what_is_graded(folder: Path, how: signal.Signals) -> None:
    (folder / "subs" / "stays.py").write_text(ENDLESS, encoding="utf-8")
    process = start(folder, "grade", "subs", *OVERRIDES, "grade.out=out")
    table, note = folder / "out" / "grades.csv", folder / "subs" / "stays.pid"
    try:
        deadline = time.monotonic() + SAFETY
        while not (table.exists() and note.exists() and note.read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(how)
        finished = end(process, folder, safety=60.0)
    finally:
        process.kill()
    assert (finished.code, finished.err) == (3, "runner: interrupted; 1 of 2 are graded, in out/grades.csv\n")
    assert list(pd.read_csv(table)["file"]) == ["right.py"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["grade", "--help"]) == 0
    assert "grade.timeout=60" in capsys.readouterr().out
