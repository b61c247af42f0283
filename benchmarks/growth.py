"""How a run grows with its steps and layers, and a sweep with its jobs: time a piece, and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.alone import RUN, SWEEP, measured
from benchmarks.timing import Line, ratio
from runner.arrays import Array

Words = Callable[[int], Sequence[str]]

ROUNDS = 2


def growing() -> Iterator[Line]:
    """Ranges that take a few minutes."""
    yield from _rows("steps", (100, 1000, 3000), _steps, ROUNDS)
    yield from _rows("layers", (3, 30, 100), _layers, ROUNDS)
    yield from _rows("jobs", (2, 10, 40), _jobs, ROUNDS)


def growing_far() -> Iterator[Line]:
    """The whole ranges, which take a quarter of an hour: once."""
    yield from _rows("steps", (100, 1000, 10_000, 100_000), _steps, 1)
    yield from _rows("layers", (3, 30, 100, 300), _layers, 1)
    yield from _rows("jobs", (10, 100, 1000), _jobs, 1)


def _steps(count: int) -> Sequence[str]:
    """The default network, every step recorded and judged."""
    return [*RUN, f"data.samples={count}"]


def _layers(count: int) -> Sequence[str]:
    """Of width 10, ten steps."""
    return [*RUN, f"architecture.hidden=[{','.join(['10'] * (count - 1))}]", "data.samples=10"]


def _jobs(count: int) -> Sequence[str]:
    return [*SWEEP, "-m", f"seed=range({count})", "data.samples=2", "record.plots=false"]


def _rows(what: str, counts: Sequence[int], words: Words, rounds: int) -> Iterator[Line]:
    """A row a count from the second on.

    The time of one more step, layer or job is the time that all beyond the first count take, over their number: what
    a run takes whatever its size is not in it. It is held against that of the row before, or of nothing in the first.
    """
    found = np.array([[_measured(words(count)) for count in counts] for _ in range(rounds)])
    seconds, resident = found[..., 0], found[..., 1]
    pieces: Array = (seconds[:, 1:] - seconds[:, :1]) / (np.array(counts[1:]) - counts[0])
    for i, count in enumerate(counts[1:]):
        ratios = {"memory over the first": ratio(resident[:, i + 1], resident[:, 0])}
        if i > 0:
            ratios["time of one over the second"] = ratio(pieces[:, i], pieces[:, 0])
        yield Line(f"{count} {what}, of {counts[0]} and {counts[1]}", ratios, {"one": float(np.median(pieces[:, i]))})


def _measured(words: Sequence[str]) -> tuple[float, float]:
    with TemporaryDirectory(prefix="growth-") as folder:
        return measured(words, Path(folder))
