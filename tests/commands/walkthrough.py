"""A document's code blocks: files, and commands with what they print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIGURE = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?")
LEFT_OUT = "..."


@dataclass(frozen=True)
class File:
    """A block of Python; its first line is a comment with its name."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A block that begins with ``$ ``: the command, and the lines that the document says it prints."""

    line: str
    printed: list[str]


def read(document: Path) -> list[File | Command]:
    """The blocks in their order."""
    return [_block(*match.groups()) for match in BLOCK.finditer(document.read_text(encoding="utf-8"))]


def _block(kind: str, text: str) -> File | Command:
    first, *rest = text.splitlines()
    if kind == "python":
        assert first.startswith("# "), first
        return File(first[2:], text)
    assert first.startswith("$ "), first
    return Command(first[2:], rest)


def missing(command: Command, output: str) -> list[str]:
    """The document's lines that the output has not, in their order; figures and widths of columns are passed over."""
    found = iter([_plain(line) for line in output.splitlines()])
    return [line for line in command.printed if line != LEFT_OUT and _plain(line) not in found]


def _plain(line: str) -> str:
    return FIGURE.sub("#", " ".join(line.split()))
