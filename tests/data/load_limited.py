"""Loads a file in a process whose memory is limited: LIMIT (MiB beyond what it has), IN_MEMORY (bytes), KIND, PATH."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from runner.data import store
from runner.data.base import Parts, Samples
from tests.data.helpers import both, data, target


def occupied() -> int:
    """KiB of memory that are this process's own (the pages of a file that is mapped are not)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmData"))


def totals(part: Samples) -> tuple[float, float]:
    """Sum and sum of squares of the first input, a block at a time."""
    found = np.zeros(2)
    for rows in store.blocks_of(part.x):
        found += [part.x[rows, 0].sum(), np.square(part.x[rows, 0]).sum()]
    return float(found[0]), float(found[1])


def main() -> None:
    limit, in_memory, kind, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    store.IN_MEMORY = in_memory
    bound = occupied() * 1024 + limit * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
    name = "y" if kind in ("csv", "parquet") else "0"
    parts: Parts = data(kind, path=path, held_out=0.25, missing="mean").load(1, (name,))
    train, held_out = both(parts)
    y, _ = target("column", name=name).make(parts, 1)
    squares, _ = target("half_sum_of_squares").make(parts, 1)
    total, square = totals(train)
    mean, variance = total / len(train.x), square / len(train.x) - (total / len(train.x)) ** 2
    assert abs(mean) < 1e-9, mean
    assert abs(variance - 1) < 1e-9, variance
    assert all(isinstance(array, np.memmap) for array in (train.x, held_out.x))
    print(*train.x.shape, len(held_out.x), len(y), len(squares), pyarrow.__version__)


if __name__ == "__main__":
    main()
