"""Exact ties in several layers: a unit that is 0 is on for one and off for another, and both are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.arrays import Array
from tests.own.mlp import Mlp, drawn


def on_at_zero(_: str, z: Array, a: Array) -> Array:
    return (z >= 0).astype(a.dtype)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sizes", [[1, 2, 2, 1], [1, 4, 4, 4, 1], [1, 2, 2, 2, 2, 1]], ids=str)
def test_units_on_at_zero_are_a_matter_of_convention(sizes: list[int], seed: int, tmp_path: Path) -> None:
    parameters = drawn(sizes, np.random.default_rng(seed), biases=False)
    found = Mlp("relu", slope=on_at_zero).judged(parameters, np.array([[0.0]]), np.array([[0.5]]), tmp_path)
    assert found.agree, f"seed {seed}: {found}"


@pytest.mark.parametrize("seed", range(12))
def test_samples_that_die_on_the_way_lie_on_the_kinks_of_all_that_follows(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    parameters = drawn([2, 3, 3, 3, 1], rng, biases=False)
    x, y = np.round(rng.uniform(-1, 1, (6, 2)), 1), rng.standard_normal((6, 1))
    assert Mlp("relu", slope=on_at_zero).judged(parameters, x, y, tmp_path).agree, f"seed {seed}"
    wrong = Mlp("relu", slope=on_at_zero, delta=lambda delta: 1.001 * delta).judged(parameters, x, y, tmp_path)
    nothing = not any(value.any() for value in Mlp("relu")(parameters, x, y)[2].values())
    assert wrong.verdict == "mismatch" or nothing, f"seed {seed}: {wrong}"
