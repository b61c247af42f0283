"""Functions timed in turn, round by round, so that a drift of the machine meets them all."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array

ROUNDS = 15


@dataclass(frozen=True)
class Ratio:
    """A ratio of two times: the median over the rounds, and where 80 % of them lie."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A row of a table: what was timed, its ratios and its times in seconds (or other figures), by their names."""

    name: str
    ratios: dict[str, Ratio]
    figures: dict[str, float]


def pin() -> None:
    """Keeps this process on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def time_in_turn(functions: Sequence[Callable[[], object]], calls: int | Sequence[int], rounds: int = ROUNDS) -> Array:
    """Seconds a call, (rounds, functions), each round ``calls`` calls of every function, or as many of each."""
    each = [calls] * len(functions) if isinstance(calls, int) else calls
    counted = list(zip(functions, each, strict=True))
    for function, count in counted:
        _time(function, max(1, count // 5))
    gc.disable()
    try:
        return np.array([[_time(function, count) for function, count in counted] for _ in range(rounds)])
    finally:
        gc.enable()


def ratio(above: Array, below: Array) -> Ratio:
    """Of two functions' times, (rounds,) each, taken in the same rounds."""
    ratios = above / below
    low, high = np.quantile(ratios, [0.1, 0.9])
    return Ratio(float(np.median(ratios)), float(low), float(high))


def medians(times: Array) -> list[float]:
    """Each function's median time (functions,), of times (rounds, functions)."""
    return [float(value) for value in np.median(times, axis=0)]


def _time(function: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls
