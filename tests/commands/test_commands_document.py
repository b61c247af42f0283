"""docs/commands.md does what it says: its commands, in their order, in one folder."""

from __future__ import annotations

import re
from pathlib import Path

from runner.commands import COMMANDS
from tests.cli.process import ROOT
from tests.sharing import furnish

from .test_walkthrough import output_of
from .walkthrough import Command, missing, read

DOCUMENT = ROOT / "docs" / "commands.md"
OF_ITS_DAY = re.compile(r"(?<=-)[0-9a-f]{6}\b|\b[0-9a-f]{8}\b")
"""What no two runs share: the end of a run folder's name, and a short id."""


def plain(line: str, place: Path) -> str:
    """A line without the folder and the ids of its day."""
    return OF_ITS_DAY.sub("ID", line.replace(str(place), "/home/me"))


def test_the_document_prints_what_it_says(tmp_path: Path, migrated: Path) -> None:
    place = tmp_path / "place"
    furnish(place, migrated)
    commands = [block for block in read(DOCUMENT) if isinstance(block, Command)]
    for block in commands:
        printed = Command(block.line, [plain(line, place) for line in block.printed])
        output = "\n".join(plain(line, place) for line in output_of(block.line, place).splitlines())
        assert missing(printed, output) == [], block.line


def test_every_command_is_told_of_and_shown() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    shown = {block.line.split()[3] for block in read(DOCUMENT) if isinstance(block, Command) and "-m" in block.line}
    for name in COMMANDS:
        assert f"`{name}`" in text or f"\n## {name}\n" in text
    assert {name for name in COMMANDS if name not in ("grade", "new-backprop")} <= shown
