"""`python -m benchmarks.million [RUNS]`: what a run of a sweep costs, and what grows with the runs, as Markdown tables.

RUNS is how many runs a store is filled up to, 10000 by default; they take 30 to 40 kB of database each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.million.costs import costs, record
from benchmarks.million.ending import endings
from benchmarks.million.filled import fill, searches
from benchmarks.million.stores import Store, stores

JOBS = (100, 400, 1600)
FIRST = 1000


def main(arguments: Sequence[str]) -> int:
    """Prints the tables."""
    most = int(arguments[0]) if arguments else 10_000
    with TemporaryDirectory(prefix="million-") as name:
        folder = Path(name)
        for part in ("costs", "ending", "filled"):
            (folder / part).mkdir()
        with stores(folder / "costs") as found:
            for store in found:
                _print_costs(store, folder / "costs" / store.name)
        _print_endings(folder / "ending")
        with stores(folder / "filled") as found:
            for store in found:
                _print_searches(store, folder / "filled", most)
    return 0


def _print_costs(store: Store, folder: Path) -> None:
    _head(
        f"one more run, {store.name}",
        ["rows", "of them metrics", "kB of database", "files", "kB of disk", "processor s"],
    )
    for name, cost in costs(store, folder):
        figures = [sum(cost.rows.values()), cost.rows["metrics"] + cost.rows["latest_metrics"]]
        told = [*map(str, figures), f"{cost.database / 1e3:.0f}", f"{cost.files:.0f}", f"{cost.disk / 1e3:.0f}"]
        _row(name, [*told, f"{cost.seconds:.2f}"])


def _print_endings(folder: Path) -> None:
    rows = list(endings(f"sqlite:///{folder / 'mlflow.db'}", folder, JOBS))
    _head("seconds, of a sweep of", [f"{count} jobs" for count, _ in rows])
    for name in rows[0][1]:
        _row(name, [f"{found[name]:.3f}" for _, found in rows])


def _print_searches(store: Store, folder: Path, most: int) -> None:
    with chdir(folder):
        words = ("data.samples=10", "record.metrics=summary", "tracking.experiment=filled")
        record(store, Path(store.name, "run"), *words)
    counts = [count for count in (FIRST * 10**power for power in range(4)) if count <= most]
    columns = []
    for count in counts:
        fill(store, count)
        columns.append({"MB of database": store.size() / 1e6} | dict(searches(store)))
    _head(f"seconds, {store.name} with", [f"{count} runs" for count in counts])
    for name in columns[0]:
        _row(name, [f"{column[name]:.3f}" for column in columns])


def _head(first: str, names: Iterable[str]) -> None:
    columns = [first, *names]
    print(f"\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)


def _row(first: str, cells: Iterable[str]) -> None:
    print(f"| {' | '.join([first, *cells])} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
