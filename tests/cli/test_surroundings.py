"""What a process may find, or miss, around it: the environment, its streams, its folder, the bytes of its words."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .process import command, environment
from .stores import client, only_run

SHORT = ("data.samples=3", "record.plots=false")


def test_a_bare_environment_is_enough(place: Path) -> None:
    """No home, no language, no folder for temporary files, no standard input."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": environment()["PYTHONPATH"], "LANG": "C"}
    env["TMPDIR"] = str(place / "nowhere")
    closed = [*command(*SHORT), "tracking.experiment='\u00e9'"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *closed], cwd=place, env=env, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\nagree: " in done.stdout


def test_nobody_need_listen(place: Path) -> None:
    words = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command(*SHORT)]
    assert subprocess.run(words, cwd=place, env=environment(), timeout=120, check=False).returncode == 0
    record = only_run(client(place))
    assert (record.info.status, record.data.tags["verdict"]) == ("FINISHED", "agree")


@pytest.mark.parametrize("words", [SHORT, ("runs",), ("compare", "a", "b")], ids=lambda words: words[0])
def test_a_working_folder_that_is_gone_is_told_in_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = ["sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', str(gone), *command(*words)]
    done = subprocess.run(line, env=environment(), capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("runner: ")
    assert done.stderr.count("\n") == 1


def test_bytes_that_are_no_text_are_told_in_one_line(place: Path) -> None:
    line: list[bytes] = [*map(os.fsencode, command("data=csv")), b"data.path=\xff\xfe.csv"]
    done = subprocess.run(line, cwd=place, env=environment(), capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"runner: command line: got ")
    assert done.stderr.count(b"\n") == 1
