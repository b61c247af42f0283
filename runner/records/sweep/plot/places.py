"""Where the values of a key lie on its axis, and which of them have a label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from runner.arrays import Array
from runner.records.plots.style import LARGEST
from runner.records.sweep.jobs import Job
from runner.records.sweep.values import Value

FEW = 12
"""So many values are all to be told apart by eye; of more, most of them."""

APART = 0.015
"""Of an axis: two of a few values that lie closer are one to the eye."""


class Places(NamedTuple):
    """A place for each value, on an axis that is ``linear`` or ``log``, or in equal steps as ``categories``."""

    kind: Literal["linear", "log", "categories"]
    at: dict[Value, float]

    def shares(self) -> Array:
        """How far along the axis each value lies, from 0 to 1; in the midst where there is one alone."""
        places = np.array(list(self.at.values()), dtype=float)
        return _shares(np.log(places) if self.kind == "log" else places)


def places_of(values: Sequence[Value]) -> Places:
    """Numbers by their size, if that tells them apart on some axis; else in equal steps."""
    if is_numeric(values):
        numbers = np.array(values, dtype=float)
        at = dict(zip(values, numbers.tolist(), strict=True))
        if is_geometric(numbers) and _are_apart(np.log(numbers)):
            return Places("log", at)
        if _are_apart(numbers):
            return Places("linear", at)
    return Places("categories", {value: float(place) for place, value in enumerate(values)})


def is_numeric(values: Iterable[Value]) -> bool:
    """Whether a key's values have places on an axis of numbers."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST for value in values
    )


def is_geometric(values: Sequence[float] | Array) -> bool:
    """Whether different numbers, by their size, lie more evenly on a log scale than on a linear one."""
    if len(values) < 3 or values[0] <= 0:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(steps.max() * ratios.min() > ratios.max() * steps.min())


def sorted_values(jobs: Iterable[Job], key: str) -> list[Value]:
    """A key's different values: numbers by size, others as they come."""
    values = list(dict.fromkeys(job.values.get(key) for job in jobs))
    return sorted(values) if is_numeric(values) else values  # type: ignore[type-var]


def with_room(starts: Sequence[float], ends: Sequence[float]) -> list[int]:
    """Which of the labels that reach from ``starts`` to ``ends``, in order, do not overlap one before them."""
    shown: list[int] = []
    for place, start in enumerate(starts):
        if not shown or start >= ends[shown[-1]]:
            shown.append(place)
    return shown


def _are_apart(places: Array) -> bool:
    if len(places) < 2:
        return True
    gaps = np.diff(_shares(places))
    if len(places) <= FEW:
        return bool(gaps.min() >= APART)
    return bool(np.median(gaps) >= APART * FEW / len(places))


def _shares(places: Array) -> Array:
    span = places[-1] - places[0]
    return (places - places[0]) / span if span else np.full(len(places), 0.5)
