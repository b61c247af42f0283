"""The journal of a run that MLflow could not be told of: what is to be sent later, in its order, a JSON line each.

It lies in the run's folder, beside the files that it names. ``runner.records.sending`` says what an entry holds, and
``runner.records.entries`` how it is written.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from runner.errors import RunError
from runner.records.entries import SCHEMA, Entry, read_entry, read_head
from runner.records.files import naming
from runner.shell import shell_line

SUFFIX = ".journal"
NAME = f"mlflow{SUFFIX}"


@dataclass(frozen=True)
class Made:
    """A run in MLflow as it was to be made: what it is found again by, where it is not known whether it was.

    Attributes:
        uri: The store, as the configuration has it.
        experiment: The experiment in it.
        name: The run's name.
        tags: Those that it is made with.
        start_time: Milliseconds of the clock.
        run_id: None where it could not be made, or where it is not known whether it was.
        nested: Whether it belongs below the run of the folder's ``NAME``, whose id was not known.
    """

    uri: str
    experiment: str
    name: str
    tags: Mapping[str, str]
    start_time: int
    run_id: str | None = None
    nested: bool = False


class Journal:
    """One journal, which may be there or not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, made: Made) -> None:
        """The first line. The folder is made, if it is not there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.add({"journal": SCHEMA, **asdict(made)})

    def add(self, entry: Entry) -> None:
        """Writes one line, which is on its way to the disk when this returns; all of it or nothing.

        Raises:
            OSError: The disk refuses it.
        """
        line = json.dumps(entry, allow_nan=False) + "\n"
        with naming(self.path), self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                if file.write(line.encode()) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(before)
                raise

    def discard(self) -> None:
        """Removes it, if it is there."""
        self.path.unlink(missing_ok=True)

    def read(self) -> tuple[Made, list[Entry]]:
        """The run, and what is to be sent. A last line that is cut short was never whole, and is left out.

        Raises:
            RunError: It is no journal, one of a program that is newer, or damaged: the line is named.
        """
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{self.path}: {error}") from error
        if not lines:
            raise RunError(f"{self.path}: it has no line that is whole")
        with self._at(1):
            made = Made(**read_head(lines[0]))
        entries: list[Entry] = []
        for number, line in enumerate(lines[1:], 2):
            with self._at(number):
                entry = read_entry(line)
                if entry["do"] == "made":
                    made = replace(made, run_id=entry["run_id"])
                elif entries and entries[-1]["do"] == "end":
                    raise ValueError("the run has ended before it")
                else:
                    entries.append(entry)
        return made, entries

    @contextmanager
    def _at(self, number: int) -> Iterator[None]:
        """Tells which line is wrong."""
        try:
            yield
        except (ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else error
            raise RunError(f"{self.path}: line {number}: {why}") from error


def journals_in(folder: Path) -> list[Path]:
    """Those of a run's folder, its own run's first."""
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (path.name != NAME, path.name))


def until_synced(ended: str) -> str:
    """What a run is in MLflow, if that can be told, as long as its journal is not brought in."""
    return "KILLED" if ended == "KILLED" else "FAILED"


def discard_journals(folder: Path) -> None:
    """Removes those that an earlier run has left, which tell of files that are about to go."""
    for path in journals_in(folder):
        path.unlink()


def sync_words(reason: str, folder: Path, told: Path, whole: bool = True) -> str:
    """Why MLflow was not told of the run in ``folder``, and what brings it in.

    ``told`` is the folder to be typed, which may be that of the run's sweep; ``whole`` says that the run came to its
    end.
    """
    command = shell_line(["python", "-m", "runner", "sync", str(told)])
    kept = f"the records in {folder} are whole" if whole else f"what was recorded is in {folder}"
    return f"{reason}; {kept}; to bring {'them' if whole else 'it'} in: {command}"


def as_synced(status: Mapping[str, Any]) -> dict[str, Any]:
    """A job's status as it would be, had MLflow been told of all, and will be once it is; any other as it is."""
    if "once_synced" not in status:
        return dict(status)
    rest = {key: value for key, value in status.items() if key not in ("unsent", "once_synced", "message")}
    return {**rest, **status["once_synced"]}
