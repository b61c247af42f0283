"""What is still to be told of a run in MLflow, and how it is cut into what one call takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BATCH = 1000
SMALL_BATCH = 100
"""Parameters, or tags, that MLflow takes at once."""
Row = tuple[str, float, int, int, bool]
"""A metric: its key, value, milliseconds of the clock, step, and whether it is the model's too."""


@dataclass
class Pending:
    """What is to be told of a run, or told of it once more, later.

    Attributes:
        rows: The metrics that are not handed over yet.
        last: The last value of each metric and its step, of a run that is told of no others.
        scores: The last of each score.
        keys: How MLflow names what was logged.
        not_finite: The first step of each metric that was not.
    """

    rows: list[Row] = field(default_factory=list)
    last: dict[str, tuple[float, int]] = field(default_factory=dict)
    scores: dict[str, Row] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    not_finite: dict[str, int] = field(default_factory=dict)


def batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """The keys, so many at a time."""
    held = list(keys)
    for start in range(0, len(held), size):
        yield held[start : start + size]


def milliseconds() -> int:
    """The time, as MLflow has it."""
    return int(time.time() * 1000)


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings and lists as dotted keys: ``architecture.layers.0.layer``."""
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if items is None or (not value and prefix):
        yield prefix, value
        return
    for key, item in items:
        yield from flatten(item, f"{prefix}.{key}" if prefix else str(key))
