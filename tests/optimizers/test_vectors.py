"""What an update does to whole vectors: replicas, noise, and what it costs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from runner.arrays import DTYPES
from runner.comparison.noisy import NoisyArray, empty_noisy, noise
from tests.helpers import CATALOG, same_bits
from tests.optimizers.counting import operations, python_calls
from tests.optimizers.helpers import (
    SIZE,
    by_hand,
    draw,
    every_optimizer,
    in_units,
    make_optimizer,
)


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("rates", [False, True], ids=["one-rate", "a-rate-each"])
def test_replicas_equal_each_alone(name: str, keys: Mapping[str, Any], dtype: str, rates: bool) -> None:
    rng = np.random.default_rng(4)
    start = rng.standard_normal((2, 3, SIZE)).astype(DTYPES[dtype])
    gradients = rng.standard_normal((7, 2, 3, SIZE)).astype(DTYPES[dtype])
    lr = rng.uniform(0.001, 0.1, (2, 3, 1)) if rates else np.full((2, 3, 1), 0.05)
    optimizer = make_optimizer(name, keys)
    together = by_hand(optimizer, start, list(gradients), lr if rates else 0.05)
    for place in np.ndindex(2, 3):
        alone = by_hand(optimizer, start[place], [g[place] for g in gradients], float(lr[place][0]))
        for u, g in zip(together, alone, strict=True):
            for key, value in u.arrays.items():
                assert same_bits(value[place] if value.ndim else value, g.arrays[key]), key


@every_optimizer
def test_noise_reaches_every_parameter_and_every_vector(name: str, keys: Mapping[str, Any]) -> None:
    start, gradients = draw("float64", 6, SIZE, seed=5)
    optimizer = make_optimizer(name, keys)
    plain = by_hand(optimizer, start, list(gradients), 0.05)[-1]
    noisy_start = empty_noisy(start.shape, start.dtype)
    noisy_start[...] = start
    with noise(1e-12, 1):
        shaken = by_hand(optimizer, noisy_start, list(gradients), 0.05)[-1]
    for key, value in shaken.arrays.items():
        if value.ndim:
            assert isinstance(value, NoisyArray), key
            assert (np.asarray(value) != plain.arrays[key]).all(), key
            assert in_units(value, plain.arrays[key], 1e-12, np.abs(plain.arrays[key]) + 1) < 1e3, key


@every_optimizer
def test_replicas_cost_no_call_more(name: str, keys: Mapping[str, Any]) -> None:
    optimizer = make_optimizer(name, keys)
    assert operations(optimizer, (1, 5)) == operations(optimizer, (1000, 5)) > 0
    assert python_calls(optimizer, (1, 5)) == python_calls(optimizer, (1000, 5)) < 60


@pytest.mark.parametrize("name", CATALOG.names("optimizer"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_update_makes_no_array(name: str, dtype: str) -> None:
    """But for what a number becomes, of shape ()."""
    size = 200_000
    parameters, gradients = np.ones(size, dtype), np.ones(size, dtype)
    updater = make_optimizer(name, {}).scratch(parameters, gradients)
    updater.update(0.05)
    tracemalloc.start()
    try:
        updater.update(0.05)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size
