"""A run folder may have come from anybody: nothing that is read or written in it leads out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runner.errors import ConfigError

ENDINGS = (".parquet", ".safetensors", ".json", ".yaml", ".html", ".log", ".lock", ".journal", ".part", ".parts")
FOLDERS = ("plots", "gradients", "files", "minimal", "model")
"""What is read and written of a run folder; a person's own files may lie beside that, and are left alone."""


def check_confined(folder: Path) -> None:
    """Raises ConfigError where a file of the run in ``folder`` is a link, or no file that ends, as a pipe."""
    for entry in _entries(folder):
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            kind = "a symbolic link" if entry.is_symlink() else "no regular file"
            where = Path(entry.path).relative_to(folder)
            raise ConfigError("RUN", f"{folder}, in which {where} is {kind}", "a folder of files and folders")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name in FOLDERS or entry.name.endswith(ENDINGS):
                yield from _whole(entry)


def _whole(entry: os.DirEntry[str]) -> Iterator[os.DirEntry[str]]:
    yield entry
    if entry.is_dir(follow_symlinks=False):
        with os.scandir(entry.path) as found:
            for inner in found:
                yield from _whole(inner)
