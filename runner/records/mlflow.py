"""A run in MLflow, written in batches; what MLflow cannot be told goes into a journal in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import stopping
from runner.records.entries import Entry
from runner.records.journal import Journal, Made, until_synced
from runner.records.limits import key_taken, name_taken, param_taken, renamed, tag_taken
from runner.records.pending import BATCH, SMALL_BATCH, Pending, Row, batches, flatten, milliseconds
from runner.records.reaching import StoreError
from runner.records.sending import Sender, log_entry
from runner.records.writer import Hand, at_once

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

SCORES = ("train/", "held_out/")
RESUMED = "resumed"
"""The tag of a run that was gone on with: how often."""


class MlflowRun:
    """One run, from its creation to its end.

    Where there is a ``journal``, a store that fails once the run has begun is no failure of the run's: from there on
    nothing is sent, everything is journalled, and ``unsent`` says why. Without one it is a StoreError.

    Whole batches of metrics are handed to ``hand``; before ``log_model`` and ``finish`` they are to be written.

    Attributes:
        run_id: None before it is made.
        held: Whether metrics are kept until they are released or the run is finished, however many they are.
        clock: The time that metrics are logged with, in milliseconds; None for that of the clock.
        pending: What is still to be told.
        unsent: Why MLflow was not told of all, and the rest is in the journal.
        ended: How the run has ended, once it has: FINISHED, FAILED or KILLED.
    """

    def __init__(self, uri: str, experiment: str, hand: Hand = at_once, journal: Path | None = None) -> None:
        self._uri, self._experiment, self._hand = uri, experiment, hand
        self._sender = Sender(uri, experiment)
        self._journal = None if journal is None else Journal(journal)
        self._made: Made | None = None
        self._first: list[Entry] = []
        self._has_model = self._journalled = False
        self.held = False
        self.clock: int | None = None
        self.pending = Pending()
        self.unsent: str | None = None
        self.ended: str | None = None

    @property
    def run_id(self) -> str | None:
        """Of the run in MLflow, once that is made."""
        return self._sender.run_id

    @property
    def begun(self) -> bool:
        """Whether there is a run, in MLflow or in the journal."""
        return self._made is not None

    def hurry(self) -> None:
        """The run was stopped: MLflow has a moment for what is still to be sent, and the journal takes the rest."""
        self._sender.hurry()

    def start(
        self, name: str, params: Mapping[str, Any], tags: Mapping[str, str], later: bool = False, nested: bool = False
    ) -> None:
        """Makes the run, with its parameters and tags.

        Args:
            name: Its name.
            params: Nested mappings and lists, which become dotted keys.
            tags: Its tags.
            later: Whether a run that cannot be made now begins in the journal.
            nested: Whether it is to be found below the folder's own run, whose id is not known yet.

        Raises:
            ConfigError: The experiment was deleted.
            StoreError: The store cannot be reached, or refuses; not where it may be made ``later``.
        """
        tagged = {"mlflow.source.name": "runner", "mlflow.source.type": "LOCAL", **tags}
        tagged = {key_taken(key): tag_taken(value) for key, value in tagged.items()}
        now = milliseconds()
        made = Made(self._uri, self._experiment, name_taken(name), tagged, now, nested=nested)
        with stopping.uninterrupted():
            try:
                if nested:
                    raise StoreError("the run that it belongs to is not made yet")
                self._sender.open()
                self._sender.make(made)
                self._made = replace(made, run_id=self.run_id)
            except StoreError as error:
                if not later or self._journal is None:
                    stopping.check()
                    raise
                self._made, self.unsent = made, str(error)
        flat = {key: param_taken(value) for key, value in flatten(params)}
        for taken in batches(flat, SMALL_BATCH):
            self._tell_first(log_entry(params={key_taken(key): flat[key] for key in taken}))
        if told := renamed([*flat, *tags]):
            self._tell_first(log_entry(tags=told))

    def reopen(self, run_id: str, name: str, tags: Mapping[str, str]) -> set[tuple[str, int, float]]:
        """Goes on with a run that was begun before; which metrics it has: key, step, value.

        ``name`` and ``tags`` are what it was begun with.

        Raises:
            StoreError: The store cannot be reached, or has no such run, or it was deleted.
        """
        assert self._journal is not None
        with stopping.uninterrupted():
            self._sender.open()
            self._sender.check_active(run_id, self._journal.path.parent)
            logged = self._sender.reopen(run_id)
            now = milliseconds()
            self._made = Made(self._uri, self._experiment, name_taken(name), dict(tags), now, run_id)
        return logged

    def end_dead_runs(self, sweep: Path | None = None) -> None:
        """Sets the runs of the experiment that no process records any more to KILLED.

        So are all other runs of the ``sweep`` whose folder's lock the caller holds.
        """
        with stopping.uninterrupted():
            self._sender.end_dead_runs(sweep)

    def count_resumed(self, changed: str) -> None:
        """Tells how often the run was gone on with, and, if anything has changed, what."""
        with stopping.uninterrupted():
            self._sender.count(RESUMED, {"resumed.with": tag_taken(changed)} if changed else {})

    def release(self) -> None:
        """Hands over all metrics that wait, as one piece: whoever hands over many waits for them."""
        if self.pending.rows:
            self._hand(partial(self._send_all, self.pending.rows))
        self.pending.rows = []

    def _send_all(self, rows: Sequence[Row]) -> None:
        for start in range(0, len(rows), BATCH):
            self._send(rows[start : start + BATCH])

    def log_inputs(self, inputs: Sequence[DatasetInput]) -> None:
        """Ties the data to the run."""
        if self.begun:
            self._tell_first({"do": "inputs", "inputs": [made.to_dictionary() for made in inputs]})

    def log_model(self, path: Path) -> None:
        """Ties a model to the run, which lies in its folder ``path``, in the run's own.

        The scores of the last epoch, and what is logged from here on, are the model's metrics too.
        """
        if not self.begun:
            return
        self._flush()
        self._tell({"do": "model", "folder": path.name}, path.parent)
        self._has_model = True
        self._tell(log_entry([(*row[:4], True) for row in self.pending.scores.values()]))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Keeps metrics until a batch is full. What is not finite becomes a tag with its first step."""
        now = milliseconds() if self.clock is None else self.clock
        pending = self.pending
        for name, value in metrics.items():
            key = pending.keys.get(name) or pending.keys.setdefault(name, key_taken(name))
            if value - value == 0:
                row = (key, value, now, step, self._has_model)
                pending.rows.append(row)
                if name.startswith(SCORES):
                    pending.scores[key] = row
            else:
                pending.not_finite.setdefault(name, step)
        # Never a batch of a few rows: row recording of docs/performance.md.
        while len(pending.rows) >= BATCH and not self.held:
            self._hand(partial(self._send, pending.rows[:BATCH]))
            del pending.rows[:BATCH]

    def finish(self, status: str, tags: Mapping[str, str], folder: Path, artifacts: Sequence[Path]) -> None:
        """Writes what is left, copies the artifacts of ``folder``, and ends the run as FINISHED, FAILED or KILLED."""
        if not self.begun:
            return
        if status == "KILLED":
            self.hurry()
        ended = {"do": "end", "status": status, "at": milliseconds()}
        try:
            self._tell_rest(tags, folder, artifacts)
            self._tell(ended, folder)
            self.ended = status
        finally:
            if self.unsent is not None and self.run_id is not None:
                self._mark({**ended, "status": until_synced(status)})

    def _tell_rest(self, tags: Mapping[str, str], folder: Path, artifacts: Sequence[Path]) -> None:
        marks = {f"nonfinite.{key}": str(step) for key, step in self.pending.not_finite.items()}
        all_tags = {key_taken(key): tag_taken(value) for key, value in {**tags, **marks}.items()}
        all_tags |= renamed([*tags, *marks, *self.pending.keys])
        if len(self.pending.rows) > BATCH - SMALL_BATCH:
            self._flush()
        for keys in batches(all_tags, SMALL_BATCH):
            self._flush({key: all_tags[key] for key in keys})  # one call takes half of two: row short_jobs
        self._flush()
        for file in artifacts:
            self._tell({"do": "artifact", "file": file.relative_to(folder).as_posix()}, folder)

    def _mark(self, ended: Entry) -> None:
        """Tells MLflow once more, as it may be there again, that the run could not finish: not that it goes on."""
        with stopping.uninterrupted(), suppress(StoreError):  # which is what ``unsent`` has told
            self._sender.send(ended, Path())

    def delete(self) -> None:
        """Takes the run back: a search no longer finds it."""
        if self.run_id is not None:
            with stopping.uninterrupted():
                self._sender.delete()
        if self._journal is not None:
            self._journal.discard()

    def _flush(self, tags: Mapping[str, str] | None = None) -> None:
        if self.pending.rows or tags:
            self._send(self.pending.rows, tags)
            self.pending.rows = []

    def _send(self, rows: Sequence[Row], tags: Mapping[str, str] | None = None) -> None:
        if self.begun:
            self._tell(log_entry(rows, tags))

    def _tell_first(self, entry: Entry) -> None:
        """What a run begins with is journalled too, though it was sent: it may have to be made anew elsewhere."""
        self._tell(entry)
        self._first.append(entry)

    def _tell(self, entry: Entry, folder: Path | None = None) -> None:
        """Sends it, or writes it into the journal, where that has begun or begins now.

        In the main thread a stop waits for the end of this, which does not wait for the store then.
        """
        with stopping.uninterrupted():
            if self.unsent is None:
                try:
                    self._sender.send(entry, folder or Path())
                    return
                except StoreError as error:
                    if self._journal is None:
                        raise
                    self.unsent = str(error)
            self._write(entry)

    def _write(self, entry: Entry) -> None:
        """Writes into the journal, which is begun with the first entry that the disk takes."""
        assert self._journal is not None
        assert self._made is not None
        if not self._journalled:
            self._journal.begin(self._made)
            for first in self._first:
                self._journal.add(first)
            self._journalled = True
        self._journal.add(entry)
