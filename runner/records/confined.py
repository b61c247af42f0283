"""A run folder may have come from anybody: nothing that is read or written in it leads out of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from runner.errors import ConfigError, RunError

ENDINGS = (".parquet", ".safetensors", ".json", ".yaml", ".html", ".log", ".lock", ".journal", ".part", ".parts")
FOLDERS = ("plots", "gradients", "files", "minimal", "model")
"""What is read and written of a run folder; a person's own files may lie beside that, and are left alone."""
ALLOWED = "a folder of files and folders"


def check_confined(folder: Path) -> None:
    """Raises ConfigError where a file of the run in ``folder`` is a link, or no file that ends, as a pipe."""
    _check(folder, _entries(folder), "RUN")


def check_named(folder: Path, named: str, by: Path, whole: bool = False) -> None:
    """Takes a regular file below ``folder`` that no link leads to or, where it is to be ``whole``, a folder of such.

    ``by`` is the file that names it.

    Raises:
        ConfigError: It is something else, or leads out of the folder.
        RunError: It is not there.
    """
    parts = PurePath(named).parts
    if not parts or PurePath(named).is_absolute() or ".." in parts:
        raise ConfigError("sync", f"{by}, which names {named or 'nothing'}", "a journal of files in its own folder")
    places = [folder.joinpath(*parts[: i + 1]) for i in range(len(parts))]
    try:
        link = next((place for place in places if place.is_symlink()), None)
        there = places[-1].is_dir() if whole else places[-1].is_file()
        missing = link is None and not places[-1].exists()
    except OSError as error:  # such as a name that is too long
        raise RunError(f"{by} names {named}: {error.strerror}") from error
    if link is not None:
        raise ConfigError("sync", f"{folder}, in which {link.relative_to(folder)} is a symbolic link", ALLOWED)
    if missing:
        raise RunError(f"{by} names {named}, which is not there")
    if not there:
        raise ConfigError("sync", f"{folder}, in which {named} is no {'folder' if whole else 'regular file'}", ALLOWED)
    if whole:
        with os.scandir(places[-1]) as found:
            _check(folder, (inner for entry in found for inner in _whole(entry)), "sync")


def _check(folder: Path, entries: Iterable[os.DirEntry[str]], key: str) -> None:
    for entry in entries:
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            kind = "a symbolic link" if entry.is_symlink() else "no regular file"
            raise ConfigError(key, f"{folder}, in which {Path(entry.path).relative_to(folder)} is {kind}", ALLOWED)


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
