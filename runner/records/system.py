"""How busy the machine was during a run, read from Linux's /proc, under the names that MLflow's own monitor gives.

That monitor needs psutil, writes from a thread of its own, says nothing of a run of less than its interval, and goes
silent where the store refuses it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

PROC = Path("/proc")
INTERVAL = 10.0
"""Seconds between two samples; MLflow's default."""
MEGABYTE = 1e6


class SystemMetrics:
    """Samples of CPU and memory, the machine's and this process's; a share of CPU is over the time since the last.

    ``taken`` are the samples so far.
    """

    def __init__(self, interval: float = INTERVAL, taken: int = 0) -> None:
        self._interval = interval
        self.taken = taken
        self._at, self._process = time.monotonic(), time.process_time()
        self._busy, self._total = _cpu_ticks()

    def due(self) -> bool:
        """Whether the interval is over."""
        return time.monotonic() - self._at >= self._interval

    def sample(self) -> tuple[dict[str, float], int]:
        """What was found, and the sample's number from 0; 100 % of a process is one core."""
        at, process, (busy, total) = time.monotonic(), time.process_time(), _cpu_ticks()
        used, memory = _memory()
        found = {
            "system/system_memory_usage_megabytes": used / MEGABYTE,
            "system/system_memory_usage_percentage": 100 * used / memory,
            "system/process_memory_megabytes": _resident() / MEGABYTE,
            "system/process_cpu_percentage": 100 * (process - self._process) / max(at - self._at, 1e-9),
        }
        if total > self._total:  # its clock ticks a hundred times a second
            found["system/cpu_utilization_percentage"] = 100 * (busy - self._busy) / (total - self._total)
        self._at, self._process, self._busy, self._total = at, process, busy, total
        self.taken += 1
        return found, self.taken - 1


def _cpu_ticks() -> tuple[int, int]:
    """Ticks in which the machine's cores were busy, and all ticks, since it was started."""
    user, nice, system, idle, waiting, *rest = map(int, _lines("stat")[0].split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + waiting


def _memory() -> tuple[int, int]:
    """Bytes of the machine that are in use, and all of them."""
    found = {key: int(rest.split()[0]) * 1024 for key, _, rest in (line.partition(":") for line in _lines("meminfo"))}
    return found["MemTotal"] - found["MemAvailable"], found["MemTotal"]


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(_lines("self/statm")[0].split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _lines(name: str) -> list[str]:
    return (PROC / name).read_text(encoding="ascii").splitlines()
