"""What one more run costs: rows, bytes, files and processor seconds, recorded as the command line records it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from benchmarks.million.stores import Store

SETTINGS: dict[str, tuple[int, Sequence[str]]] = {
    "10 steps": (5, ("data.samples=10",)),
    "100 steps": (5, ("data.samples=100",)),
    "1000 steps": (1, ("data.samples=1000",)),
    "10 steps, summary": (5, ("data.samples=10", "record.metrics=summary")),
    "100 steps, summary": (5, ("data.samples=100", "record.metrics=summary")),
    "1000 steps, summary": (1, ("data.samples=1000", "record.metrics=summary")),
    "100 steps, summary, no gradients": (5, ("data.samples=100", "record.metrics=summary", "record.gradients=false")),
    "100 replicas of 100 steps, summary": (1, ("data.samples=100", "record.metrics=summary", "replicas=100")),
}
"""How many runs a cost is averaged over, and what they are set to."""


@dataclass(frozen=True)
class Cost:
    """What one more run costs.

    Attributes:
        rows: In each of MLflow's tables.
        database: Bytes.
        files: Files and folders, of the run's folder and of its artifacts in MLflow.
        disk: Bytes that they take of the disk, whole blocks.
        seconds: Of one processor.
    """

    rows: dict[str, int]
    database: float
    files: float
    disk: float
    seconds: float


def costs(store: Store, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Of each setting; the runs' folders and their artifacts lie below ``folder``."""
    folder.mkdir(parents=True)
    with chdir(folder):
        record(store, Path("first"), "data.samples=10")
        for name, (runs, words) in SETTINGS.items():
            before, sizes, began = store.rows(), _sizes(store), time.process_time()
            for number in range(runs):
                record(store, Path(name, str(number)), *words, f"seed={1000 + number}")
            seconds = (time.process_time() - began) / runs
            rows = {table: (count - before[table]) // runs for table, count in store.rows().items()}
            database, files, disk = ((after - size) / runs for after, size in zip(_sizes(store), sizes, strict=True))
            yield name, Cost(rows, database, files, disk, seconds)


def record(store: Store, folder: Path, *words: str) -> None:
    """One run, or the replicas of one, in this process."""
    from runner.assemble import assemble
    from runner.catalog import Catalog
    from runner.compose import compose_config
    from runner.recording import record_run
    from runner.records.identity import Identity
    from runner.records.stacked.recorder import StackRecorder
    from runner.stacked.run import run_stack
    from runner.stacked.stack import stack_of

    overrides = ["record.plots=false", f"tracking.uri={store.uri}", *words]
    config = compose_config(overrides)
    identity = Identity(folder, overrides, "sweep", config, "")
    with redirect_stdout(StringIO()):
        if config["replicas"] == 1:
            record_run(assemble(config, Catalog()), identity)
            return
        stack = stack_of(config, Catalog())
        recorder = StackRecorder(stack, identity, str)
        recorder.start()
        recorder.finish(run_stack(stack, recorder), lambda _: None)


def _sizes(store: Store) -> tuple[int, int, int]:
    """Bytes of the database; files and bytes of the disk below the current folder."""
    found = [path for path in Path().rglob("*") if not path.name.startswith("mlflow.db")]
    return store.size(), len(found), sum(512 * path.stat().st_blocks for path in found)
