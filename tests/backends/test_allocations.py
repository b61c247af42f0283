"""A step of the scratch backend works in arrays that were made once."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

from runner.backends.scratch import ScratchBackend
from tests.helpers import make_setup

STEPS = 20
MOST = 2000
"""Bytes that live at once within a step: views, numbers and tuples, and no array of a layer's size."""


@pytest.mark.parametrize(
    "overrides",
    [(), ("architecture.hidden=[128,128]", "batch_size=32"), ("architecture.hidden=[128,128]", "optimizer=adam")],
    ids=" ".join,
)
def test_a_step_allocates_next_to_nothing_and_keeps_nothing(overrides: tuple[str, ...]) -> None:
    setup = make_setup(*overrides)
    backend = ScratchBackend("scratch", setup.problem, setup.dtype)
    backend.load(setup.initial)
    x, y = setup.x[: setup.batch_size], setup.y[: setup.batch_size]
    peaks = np.zeros(STEPS, np.int64)

    def step(k: int) -> None:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        backend.step(x, y, draws={})
        backend.update()
        peaks[k] = tracemalloc.get_traced_memory()[1] - before

    gc.collect()
    tracemalloc.start()
    try:
        for k in range(STEPS):
            step(k)
        begin = tracemalloc.get_traced_memory()[0]
        for k in range(STEPS):
            step(k)
        grown = tracemalloc.get_traced_memory()[0] - begin
    finally:
        tracemalloc.stop()
    assert peaks.max() <= MOST
    assert grown <= 100
