"""docs/check_your_backprop.md does what it says: its files and commands, in their order, in one folder."""

from __future__ import annotations

from pathlib import Path

from tests.cli.process import ROOT, finish, shell_environment
from tests.sharing import furnish

from .walkthrough import Command, File, missing, read

DOCUMENT = ROOT / "docs" / "check_your_backprop.md"


def test_the_document_prints_what_it_says(tmp_path: Path, migrated: Path) -> None:
    blocks = read(DOCUMENT)
    commands = [block for block in blocks if isinstance(block, Command)]
    assert len(commands) >= 7
    place = tmp_path / "place"
    furnish(place, migrated)
    for block in blocks:
        if isinstance(block, File):
            (place / block.name).write_text(block.text, encoding="utf-8")
        else:
            assert missing(block, output_of(block.line, place)) == [], block.line


def test_the_document_names_a_cause_and_every_kind_of_block_is_compared() -> None:
    printed = [line for block in read(DOCUMENT) if isinstance(block, Command) for line in block.printed]
    assert any("cause (slope_missing)" in line for line in printed)
    assert missing(Command("", ["agree: 3 steps", "...", "  right: x"]), "agree: 4 steps\nright:  x\n") == []
    assert missing(Command("", ["right: x", "agree"]), "agree\nright: x\n") == ["agree"]
    assert missing(Command("", ["mismatch: 3"]), "agree: 3\n") == ["mismatch: 3"]


def output_of(line: str, folder: Path) -> str:
    done = finish(folder, ["/bin/sh", "-c", line], shell_environment())
    assert "Traceback" not in done.err, done.err
    return done.out
