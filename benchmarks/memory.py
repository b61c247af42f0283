"""Memory of a run that records every gradient of a large network: it does not depend on the number of steps.

`python -m benchmarks.memory STEPS` (make memory STEPS=10000) tells it for any number of steps.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.alone import RUN, measured
from benchmarks.timing import Line, ratio
from runner.errors import BAD_INPUT, ConfigError

SIZES = (784, 1024, 1024, 10)
STEPS = 100, 300
ROUNDS = 2
SPARE = 2**30
"""Bytes of disk that are to stay free."""

A_STEP = 2 * 4 * sum(into * out + out for into, out in pairwise(SIZES))
"""Bytes of a step's gradients: of both backends, in float32."""


def peak_memory() -> Iterator[Line]:
    """Nothing, and a line that says why, where the disk has no room for it."""
    few, many = STEPS
    try:
        check_room(many)
    except ConfigError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return
    peaks = np.array([[peak(steps) for steps in STEPS] for _ in range(ROUNDS)])
    yield Line(
        f"{'-'.join(map(str, SIZES))}, {many} steps ({many * A_STEP / 1e9:.1f} GB)",
        {f"memory over {few} steps": ratio(peaks[:, 1], peaks[:, 0])},
        {},
    )


def check_room(steps: int) -> None:
    """Refuses what the disk of the current folder has no room for.

    Raises:
        ConfigError: It has not so much.
    """
    free = shutil.disk_usage(Path()).free
    if steps * A_STEP + SPARE > free:
        most = max(0, (free - SPARE) // A_STEP)
        raise ConfigError("STEPS", f"{steps}, which take {steps * A_STEP / 1e9:.1f} GB", f"at most {most} on this disk")


def peak(steps: int) -> float:
    """The most bytes that were resident at once; the records lie below the current folder, and are gone afterwards."""
    words = [
        *(
            "architecture.hidden=[1024,1024]",
            "architecture.out=10",
            "data.features=784",
            "target=linear",
            "target.out=10",
        ),
        *(f"data.samples={steps}", f"verdict.every={steps}"),
    ]
    with TemporaryDirectory(prefix="memory-", dir=Path()) as folder:
        return measured([*RUN, *words], Path(folder))[1]


def main(arguments: Sequence[str]) -> int:
    """Prints the peak of so many steps beside that of 100."""
    try:
        if len(arguments) != 1 or not arguments[0].isdecimal() or int(arguments[0]) < 1:
            raise ConfigError("STEPS", " ".join(arguments) or "nothing", "a whole number from 1")
        steps = int(arguments[0])
        check_room(steps)
    except ConfigError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return BAD_INPUT
    few, many = peak(STEPS[0]), peak(steps)
    print(f"{steps} steps, {steps * A_STEP / 1e9:.1f} GB: {many / 1e6:.0f} MB of memory at most")
    print(f"{STEPS[0]} steps: {few / 1e6:.0f} MB; ratio {many / few:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
