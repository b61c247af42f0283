"""`python -m tests.fuzzing`: judges random right configurations and random mutants; goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from tests.fuzzing.cases import random_case
from tests.fuzzing.judge import Row, judge_mutant, judge_right
from tests.fuzzing.report import missed, report

CHUNK = 20


def main() -> int:
    """1 if a right configuration is a mismatch, or a mutant that moves an element by 30 roundings is acquitted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="right configurations")
    parser.add_argument("--mutants", type=int, default=3400, help="mutants")
    parser.add_argument("--first-seed", type=int, default=7_000_000)
    parser.add_argument("--folder", type=Path, default=Path("outputs/fuzz"))
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    first = arguments.first_seed
    rows_of = partial(_all, arguments.workers)
    right = rows_of("right configurations", judge_right, range(first, first + arguments.count), folder / "right.jsonl")
    mutants = rows_of("mutants", judge_mutant, range(first, first + arguments.mutants), folder / "mutants.jsonl")
    text = report(right, mutants)
    (folder / "report.md").write_text(text, encoding="utf-8")
    print(text)
    alarms = [row for row in right if row["verdict"] == "mismatch"]
    for row in alarms:
        print(f"false alarm: {random_case(row['seed']).command(folder / 'alarms')}")
    for row in missed(mutants):
        print(f"missed: {row}")
    return int(bool(alarms or missed(mutants)))


def _all(workers: int, what: str, judge: Callable[[int], Row], seeds: range, file: Path) -> list[Row]:
    """A row a seed, those that are in the file already not judged again."""
    known = {row["seed"]: row for row in _read(file)}
    missing = [seed for seed in seeds if seed not in known]
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns) as bar,
        file.open("a", encoding="utf-8") as out,
        ProcessPoolExecutor(workers) as pool,
    ):
        task = bar.add_task(what, total=len(seeds), completed=len(seeds) - len(missing))
        chunks = [missing[i : i + CHUNK] for i in range(0, len(missing), CHUNK)]
        for rows in pool.map(_judged, [judge] * len(chunks), chunks):
            for row in rows:
                known[row["seed"]] = row
                out.write(json.dumps(row) + "\n")
                if row["verdict"] not in ("agree", "imprecise", "undecided") and judge is judge_right:
                    bar.console.print(row)
            out.flush()
            bar.advance(task, len(rows))
    return [known[seed] for seed in seeds]


def _judged(judge: Callable[[int], Row], seeds: list[int]) -> list[Row]:
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "Using padding='same'")  # of its speed
    with threadpool_limits(1):
        return [judge(seed) for seed in seeds]


def _read(file: Path) -> Iterator[Row]:
    """What was judged before; a line that was cut off by a stop is judged again."""
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


if __name__ == "__main__":
    sys.exit(main())
