"""What a row of the corpus says: a command line, and the one line that it is refused with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

Make = Callable[[Path], None]
Files = Mapping[str, str | bytes | Make]
"""Name -> text, bytes, or a function that makes it there."""


class Refused(NamedTuple):
    """``word`` stands somewhere in the line; ``key`` right behind "runner: "."""

    args: list[str]
    key: str
    word: str
    code: int = 2


def write_files(folder: Path, files: Files) -> None:
    """Makes them below ``folder``, their folders too."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
