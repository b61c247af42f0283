"""Rows of metrics a second: what a run records by, MLflow's own log_batch, and sqlite alone."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import Line, medians, ratio, time_in_turn
from runner.records.mlflow import MlflowRun
from runner.records.pending import BATCH
from runner.records.store import open_experiment
from runner.records.writer import Writer

TENSORS = 9
STEPS = 500
"""A default network's metrics: two losses, and two measures a tensor."""
ROUNDS = 9


def recording() -> Iterator[Line]:
    """One store for all, in a folder of its own that is gone afterwards."""
    steps = [_metrics(step) for step in range(STEPS)]
    rows = sum(map(len, steps))
    with TemporaryDirectory(prefix="recording-") as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        functions = [_recorded(uri, steps), _log_batch(uri, steps), _sqlite(Path(folder, "plain.db"), steps)]
        times = time_in_turn(functions, 1, ROUNDS)
    ours, theirs, plain = times.T
    ratios = {"rows a second over log_batch": ratio(theirs, ours), "sqlite alone over log_batch": ratio(theirs, plain)}
    yield Line(f"{rows} rows", ratios, dict(zip(("recorded", "log_batch", "sqlite"), medians(times), strict=True)))


def _metrics(step: int) -> dict[str, float]:
    found = {f"loss/{name}": 1 / (step + 1) for name in ("scratch", "torch")}
    for measure in ("deviation/max_abs", "deviation/roundings"):
        found |= {f"{measure}/layer_{k}.weight": 1e-7 * (step + k) for k in range(TENSORS)}
    return found


def _recorded(uri: str, steps: list[dict[str, float]]) -> Callable[[], object]:
    def record() -> None:
        writer = Writer()
        run = MlflowRun(uri, "recorded", writer.hand)
        run.start("a run", {}, {})
        for step, metrics in enumerate(steps):
            run.log(metrics, step)
        writer.join()
        run.finish("FINISHED", {}, Path(), [])

    return record


def _log_batch(uri: str, steps: list[dict[str, float]]) -> Callable[[], object]:
    """As a user of MLflow's client writes it, the rows in batches of as many as it takes."""
    from mlflow.entities import Metric

    def record() -> None:
        client, experiment = open_experiment(uri, "theirs")
        run = client.create_run(experiment).info.run_id
        now = int(time.time() * 1000)
        rows = [Metric(key, value, now, step) for step, found in enumerate(steps) for key, value in found.items()]
        for begin in range(0, len(rows), BATCH):
            client.log_batch(run, metrics=rows[begin : begin + BATCH])
        client.set_terminated(run)

    return record


def _sqlite(path: Path, steps: list[dict[str, float]]) -> Callable[[], object]:
    """The rows in one table, a transaction a batch: the floor."""
    connection = sqlite3.connect(path)
    columns = "key text, value real, timestamp bigint, run text, step bigint, is_nan boolean"
    connection.execute(f"create table metrics ({columns}, primary key (key, timestamp, step, run, value, is_nan))")
    count = [0]

    def record() -> None:
        count[0] += 1
        now = int(time.time() * 1000)
        mine = str(count[0])
        rows = [(k, value, now, mine, step, 0) for step, found in enumerate(steps) for k, value in found.items()]
        for begin in range(0, len(rows), BATCH):
            with connection:
                connection.executemany("insert into metrics values (?, ?, ?, ?, ?, ?)", rows[begin : begin + BATCH])

    return record
