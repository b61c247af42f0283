"""Brings into MLflow what a journal holds. It may be cut off anywhere and done again: nothing is recorded twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from runner.checks import check_tracking
from runner.errors import ConfigError
from runner.records.confined import check_confined, check_named
from runner.records.dead import PARENT
from runner.records.entries import Entry
from runner.records.journal import NAME, Journal, as_synced, journals_in
from runner.records.sending import Sender
from runner.records.status import STATUS, read_status, write_status

NAMED = {"artifact": "file", "model": "folder"}
"""By what an entry does: its key that names a file or a folder."""


class Brought:
    """The run of one journal: ``open`` finds or makes it, ``send`` tells of the rest and ends it.

    ``anew`` takes up the ids of runs that the store did not have and that were made again: old to new.

    Raises:
        ConfigError: The folder, or a file that the journal names, leads out of it; the store's address is none, or has
            a password in it.
        RunError: The journal, or a file that it names, cannot be read.
        StoreError: The store refuses, or cannot be reached.
    """

    def __init__(self, path: Path, anew: dict[str, str]) -> None:
        self._journal, self._anew = Journal(path), anew
        self._modified = int(path.stat().st_mtime * 1000)
        check_confined(path.parent)
        self._made, self._entries = self._journal.read()
        check_store(path, self._made.uri, self._made.experiment)
        _check_files(path, self._entries)
        self._sender = Sender(self._made.uri, self._made.experiment)
        self.uri = self._made.uri

    @property
    def folder(self) -> Path:
        return self._journal.path.parent

    @property
    def name(self) -> str:
        """The run's, as MLflow shows it."""
        return self._made.name

    @property
    def run_id(self) -> str:
        """Of the run, once it is open."""
        assert self._sender.run_id is not None
        return self._sender.run_id

    @property
    def is_own(self) -> bool:
        """Whether it is that of the folder itself, and not of one of its replicas."""
        return self._journal.path.name == NAME

    def open(self, own: str | None) -> None:
        """Finds the run, or makes it where the store has none, or it was deleted.

        ``own`` is the id of the folder's own run.
        """
        made, known = self._made, self._made.run_id
        self._sender.open()
        if known is not None and self._sender.stage_of(known) == "active":
            self._sender.run_id = known
            return
        tags = dict(made.tags) | ({PARENT: own} if made.nested and own is not None else {})
        if PARENT in tags:
            tags[PARENT] = self._anew.get(tags[PARENT], tags[PARENT])
        self._sender.make(replace(made, tags=tags), perhaps_there=True)
        self._journal.add({"do": "made", "run_id": self.run_id})
        if known is not None:
            self._anew[known] = self.run_id

    def send(self, without_end: str = "KILLED") -> tuple[Mapping[str, int], str]:
        """Tells of all; how many of what (metrics, files), and the status that the run ended with.

        A journal without an end is that of a process that was killed, or of a disk that was full.
        """
        entries = list(self._entries)
        if not any(entry["do"] == "end" for entry in entries):
            entries.append({"do": "end", "status": without_end, "at": self._modified})
        counted: Counter[str] = Counter()
        for entry in entries:
            self._sender.send(entry, self.folder)
            counted.update(_counts(entry))
        return counted, str(entries[-1]["status"])

    def copy(self, file: str) -> None:
        """Copies one more file of the folder into the run's artifacts."""
        self._sender.send({"do": "artifact", "file": file}, self.folder)

    def discard(self) -> None:
        """Removes the journal."""
        self._journal.discard()


def bring_sweep(sweep: Path, anew: dict[str, str]) -> tuple[str, Mapping[str, int], str]:
    """Brings in what the journal of a sweep's folder holds: the MLflow run, how many of what, and how it ended.

    Raises:
        RunError: As of ``Brought``.
    """
    journal = Brought(sweep / NAME, anew)
    journal.open(None)
    counted, ended = journal.send()
    journal.discard()
    return journal.run_id, counted, ended


def bring_run(folder: Path, anew: dict[str, str]) -> tuple[str | None, Mapping[str, int], str]:
    """The same of a run, and of what of its replicas has a journal; its status is then what it has come to.

    The journals go when all is done, the run's own last.

    Raises:
        OSError: A file cannot be written.
        RunError: As of ``Brought``.
    """
    status = read_status(folder) if (folder / STATUS).is_file() else {}  # nothing of one that was killed
    own: str | None = status.get("run_id")
    counted, ended = Counter[str](), ""
    journals = [Brought(path, anew) for path in journals_in(folder)]
    for journal in journals:
        journal.open(own)
        found, state = journal.send("FAILED" if status else "KILLED")
        counted.update(found)
        if journal.is_own:
            own, ended = journal.run_id, state
    if status:
        write_status(folder, {**as_synced(status), "run_id": own})
    for journal in reversed(journals):
        journal.discard()
    return own, counted, ended


def _check_files(journal: Path, entries: Sequence[Entry]) -> None:
    """What is to be sent is there, and in the journal's folder."""
    for entry in entries:
        if entry["do"] in NAMED:
            check_named(journal.parent, entry[NAMED[entry["do"]]], by=journal, whole=entry["do"] == "model")


def check_store(file: Path, uri: str, experiment: str) -> None:
    """Raises ConfigError where no run could record there, or the address has a password in it; ``file`` names both."""
    try:
        check_tracking({"uri": uri, "experiment": experiment})
    except ConfigError as error:
        raise ConfigError("sync", f"{file}, with {error.key}: {error.got}", error.allowed) from error


def _counts(entry: Entry) -> Mapping[str, int]:
    return {"metrics": len(entry.get("metrics", ())), "files": int(entry["do"] == "artifact")}
