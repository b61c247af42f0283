"""Two functions timed in turn, round by round, so that a drift of the machine meets both."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROUNDS = 15


@dataclass(frozen=True)
class Ratio:
    """How many times as fast the first is as the second: median of the rounds' ratios, and their spread.

    ``ours`` and ``peer`` are the medians of a call, in seconds.
    """

    median: float
    low: float
    high: float
    ours: float
    peer: float


def pin() -> None:
    """Keeps this process on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def compare(ours: Callable[[], object], peer: Callable[[], object], calls: int, rounds: int = ROUNDS) -> Ratio:
    """Times both for ``rounds`` rounds of ``calls`` calls each, after a warm-up."""
    for function in (ours, peer):
        _time(function, max(1, calls // 5))
    gc.disable()
    try:
        times = np.array([[_time(ours, calls), _time(peer, calls)] for _ in range(rounds)])
    finally:
        gc.enable()
    ratios = times[:, 1] / times[:, 0]
    low, high = np.quantile(ratios, [0.1, 0.9])
    ours_median, peer_median = np.median(times, axis=0)
    return Ratio(float(np.median(ratios)), float(low), float(high), float(ours_median), float(peer_median))


def _time(function: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls
