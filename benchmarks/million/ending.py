"""How long the program's own work for a whole sweep takes as its jobs grow: their folders are copies of one job's."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from benchmarks.million.costs import record
from benchmarks.million.stores import Store
from runner.errors import AGREE
from runner.records.sweep import record_sweep
from runner.records.sweep.parent import Parent, read_parent
from runner.sweep_results import job_statuses


def endings(uri: str, folder: Path, counts: tuple[int, ...]) -> Iterator[tuple[int, dict[str, float]]]:
    """Of each number of jobs, the seconds of each piece of work."""
    job = folder / "job"
    record(Store("sqlite", uri), job, "data.samples=10", "record.metrics=summary")
    for count in counts:
        yield count, _ending(uri, job, folder / str(count), count)


def _ending(uri: str, job: Path, folder: Path, count: int) -> dict[str, float]:
    folder.mkdir()
    overrides = {n: [f"seed={n}", "data.samples=10"] for n in range(count)}
    parent = Parent(folder, uri, "runner", f"seed=range({count})", {"seed": f"range({count})"}, {})
    found = {"sweep.json written": _seconds(lambda: parent.announce(overrides))}
    found["sweep.json read by a job"] = 2 * _seconds(lambda: read_parent(folder))
    status = {"status": AGREE, "verdict": "agree", "run_id": parent.run_id, "losses": {"torch": [1.0, 0.5]}}
    for number, typed in overrides.items():
        own = {
            **status,
            "number": number,
            "overrides": typed,
            "sweep": parent.run_id,
            "folder": str(folder / str(number)),
        }
        shutil.copytree(job, folder / str(number))
        (folder / str(number) / "status.json").write_text(json.dumps(own), encoding="utf-8")
    statuses: list[dict[str, object]] = []
    found["statuses gathered"] = _seconds(lambda: statuses.extend(job_statuses(parent)))
    with redirect_stdout(StringIO()):
        found["sweep recorded"] = _seconds(lambda: record_sweep(parent, statuses))
    return found


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
