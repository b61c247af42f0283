"""CPU and memory as MLflow's system metrics."""

from __future__ import annotations

import time

from runner.records.system import SystemMetrics

SHARES = ("system/cpu_utilization_percentage", "system/system_memory_usage_percentage")


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_samples_are_counted_and_are_shares_and_sizes() -> None:
    system = SystemMetrics()
    for number in range(2):
        busy(0.05)
        found, counted = system.sample()
        assert counted == number
        assert all(0 <= found[key] <= 100 for key in SHARES)
        assert 0 < found["system/process_memory_megabytes"] < found["system/system_memory_usage_megabytes"] * 2
        assert found["system/process_cpu_percentage"] > 0


def test_this_process_is_told_from_the_time_since_the_last_sample() -> None:
    system = SystemMetrics()
    busy(0.05)
    working, _ = system.sample()
    time.sleep(0.1)
    idle, _ = system.sample()
    assert idle["system/process_cpu_percentage"] < working["system/process_cpu_percentage"]


def test_memory_that_is_taken_is_seen() -> None:
    system = SystemMetrics()
    before, _ = system.sample()
    taken = bytearray(b"x" * 200_000_000)
    after, _ = system.sample()
    assert after["system/process_memory_megabytes"] - before["system/process_memory_megabytes"] > 0.9 * len(taken) / 1e6


def test_a_sample_is_due_once_the_interval_is_over() -> None:
    assert SystemMetrics(interval=0.0).due()
    system = SystemMetrics(interval=3600.0)
    assert not system.due()
