"""The steps of a run: which samples each takes, and which are recorded and judged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from runner.arrays import Array, in_dtype
from runner.assemble import Setup


def batches(setup: Setup, first: int = 0) -> Iterator[tuple[Array, Array]]:
    """x (batch, *sample) and y (batch, *out) of every step from ``first``, in the data's order and the run's dtype."""
    for rows in islice(rows_of_batches(setup), first, None):
        yield _in_run(setup.x[rows], setup.dtype), _in_run(setup.y[rows], setup.dtype)


def rows_of_batches(setup: Setup) -> Iterator[slice]:
    """Which samples every step takes."""
    for _ in range(setup.epochs):
        for start in range(0, len(setup.x), setup.batch_size):
            yield slice(start, min(start + setup.batch_size, len(setup.x)))


def _in_run(values: Array, dtype: np.dtype[Any]) -> Array:
    """Of a mapped file, the rows are read and converted here."""
    return in_dtype(values, dtype) if isinstance(values, np.memmap) else values


def is_recorded(setup: Setup, step: int) -> bool:
    """Every N-th step, and the last one."""
    return step % setup.record_every == 0 or step == setup.steps - 1


def count_recorded(setup: Setup) -> int:
    """How many steps are recorded, if the run comes to its end."""
    return sum(is_recorded(setup, step) for step in range(setup.steps))


def is_judged(setup: Setup, step: int) -> bool:
    """Of the recorded steps every N-th, and the last one; without lockstep the first alone."""
    if not setup.lockstep:
        return step == 0
    return step // setup.record_every % setup.verdict_every == 0 or step == setup.steps - 1
