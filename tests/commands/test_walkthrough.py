"""docs/check_your_backprop.md does what it says: its files and commands, in their order, in one folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.cli.process import ROOT, environment, finish

from .walkthrough import Command, File, missing, read

DOCUMENT = ROOT / "docs" / "check_your_backprop.md"


def test_the_document_prints_what_it_says(tmp_path: Path) -> None:
    blocks = read(DOCUMENT)
    commands = [block for block in blocks if isinstance(block, Command)]
    assert len(commands) >= 7
    env, place = with_python(tmp_path / "bin"), tmp_path / "place"
    place.mkdir()
    for block in blocks:
        if isinstance(block, File):
            (place / block.name).write_text(block.text, encoding="utf-8")
        else:
            assert missing(block, output_of(block.line, place, env)) == [], block.line


def test_the_document_names_a_cause_and_every_kind_of_block_is_compared() -> None:
    printed = [line for block in read(DOCUMENT) if isinstance(block, Command) for line in block.printed]
    assert any("cause (slope_missing)" in line for line in printed)
    assert missing(Command("", ["agree: 3 steps", "...", "  right: x"]), "agree: 4 steps\nright:  x\n") == []
    assert missing(Command("", ["right: x", "agree"]), "agree\nright: x\n") == ["agree"]
    assert missing(Command("", ["mismatch: 3"]), "agree: 3\n") == ["mismatch: 3"]


def with_python(folder: Path) -> dict[str, str]:
    """The environment of a shell in which ``python`` is the one that runs the tests."""
    folder.mkdir()
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")


def output_of(line: str, folder: Path, env: dict[str, str]) -> str:
    done = finish(folder, ["/bin/sh", "-c", line], env)
    assert "Traceback" not in done.err, done.err
    return done.out
