"""Jobs of sweeps that nobody ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

from runner.records.sweep.jobs import Job
from runner.records.sweep.values import Value

Grid = Mapping[str, Sequence[Value]]
NOT_RUN = ("rejected", "unfinished")


def jobs_of(
    grid: Grid,
    outcome: Callable[[int], str] = lambda _: "agree",
    figure: Callable[[int], float] = lambda number: 1.0 + number,
) -> list[Job]:
    """A job for each combination of values; its roundings are ``figure`` of its number, the last loss ten times."""
    found = []
    for number, values in enumerate(product(*grid.values())):
        end = outcome(number)
        ran = end not in NOT_RUN
        job = Job(
            number=number,
            folder=Path(str(number)),
            overrides=[f"{key}={value}" for key, value in zip(grid, values, strict=True)],
            values=dict(zip(grid, values, strict=True)),
            status=0,
            outcome=end,
            message="",
            roundings=figure(number) if ran else None,
            backends=("scratch", "torch") if ran else (),
            losses={"scratch": (1.0, 0.1), "torch": (1.0, 10 * figure(number))} if ran else {},
        )
        found.append(job)
    return found
