"""The thread that writes: its order, its bound, and what fails in it."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from runner import stopping
from runner.records.mlflow import MlflowRun
from runner.records.pending import BATCH
from runner.records.writer import ROOM, Work, Writer


def test_what_is_handed_over_is_done_in_its_order_by_another_thread() -> None:
    writer, done, threads = Writer(), list[int](), set[str]()

    def work(k: int) -> None:
        done.append(k)
        threads.add(threading.current_thread().name)

    for k in range(100):
        writer.hand(partial(work, k))
    writer.join()
    assert done == list(range(100))
    assert threads == {"writer"}
    writer.hand(partial(work, 100))
    assert done[-1] == 100
    assert threading.current_thread().name in threads


def test_whoever_hands_over_more_than_there_is_room_for_waits() -> None:
    writer, gate, handed = Writer(), threading.Event(), list[int]()

    def hand() -> None:
        for k in range(ROOM + 5):
            writer.hand(gate.wait)
            handed.append(k)

    hands = threading.Thread(target=hand)
    hands.start()
    hands.join(0.3)
    assert ROOM <= len(handed) <= ROOM + 1  # one is being done
    gate.set()
    hands.join()
    writer.join()
    assert len(handed) == ROOM + 5


def test_what_fails_is_raised_once_and_the_rest_is_done() -> None:
    writer, done = Writer(), list[int]()

    def fail() -> None:
        raise OSError(28, "No space left on device")

    for work in (partial(done.append, 1), fail, partial(done.append, 2)):
        writer.hand(work)
    with pytest.raises(OSError, match="No space left"):
        writer.join()
    assert done == [1, 2]
    writer.join()
    writer.check()


def test_metrics_are_handed_over_in_whole_batches() -> None:
    """A batch costs the store a transaction, however few rows it has."""
    handed = list[Work]()
    run = MlflowRun("sqlite:///never.db", "none", handed.append)
    for step in range(250):
        run.log({f"m{k}": 1.0 for k in range(9)}, step)
    assert len(handed) == 250 * 9 // BATCH == 2


def test_a_failure_is_told_while_the_run_goes_on() -> None:
    writer, failed = Writer(), threading.Event()

    def fail() -> None:
        raise OSError(28, "No space left on device")

    writer.hand(fail)
    writer.hand(failed.set)
    assert failed.wait(60)
    with pytest.raises(OSError, match="No space left"):
        writer.check()
    writer.join()


def test_a_block_of_the_writer_neither_delays_a_stop_nor_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop is the main thread's: the writer's transaction goes on to its end whatever comes."""
    monkeypatch.setattr(stopping, "_asked", True)
    writer, waiting = Writer(), list[int]()

    def work() -> None:
        with stopping.uninterrupted():
            waiting.append(stopping._waiting)

    writer.hand(work)
    writer.join()
    assert waiting == [0]
