"""Equal values that err equally cancel where they are subtracted: beneath a normalisation, noise would show nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from runner.backends.torch import EAGER
from runner.comparison.rounding import noise
from runner.comparison.torch_noise import TorchNoise
from tests.comparison.test_noise import noisy
from tests.fuzzing.mutants import Mistaken, mutant
from tests.helpers import kept, make_setup

SATURATED = [
    "data.features=1",
    "data.low=38",
    "data.high=45",
    "data.samples=5",
    "batch_size=5",
    "init=constant",
    "init.value=-1",
    "dtype=float64",
]


def layers(activation: str) -> str:
    one, three = "{layer: linear, out: 1}", "{layer: linear, out: 3}"
    return f"architecture.layers=[{one},{{layer: {activation}}},{three},{{layer: batch_norm1d}},{one}]"


@pytest.mark.parametrize("activation", ["elu", "selu"])
def test_saturated_units_beneath_a_normalisation_agree(activation: str) -> None:
    """Every sample gives the same; the gradient is 0 in theory, and what is left of it depends on the order of sums."""
    found = kept(make_setup(layers(activation), *SATURATED))[0].verdict
    assert found.verdict == "agree", found


@pytest.mark.parametrize("seed", range(3))
def test_a_mistake_in_them_is_still_found(seed: int) -> None:
    setup = make_setup(layers("elu"), *SATURATED)
    choice = Mistaken(mistake=mutant(setup, "sample dropped", seed))
    outcome = kept(replace(setup, backends={"mutant": choice, "torch": EAGER}))[0]
    assert outcome.verdict.verdict == "mismatch", (seed, outcome.verdict)


def test_apart_equal_values_err_by_themselves() -> None:
    equal = noisy(np.full(1000, 1.7))
    with noise(1e-6, 4, apart=True):
        mine = np.array(equal * 0.3) / (1.7 * 0.3) - 1
    with TorchNoise(1e-6, 4, apart=True):
        theirs = (torch.full((1000,), 1.7, dtype=torch.float64) * 0.3).numpy() / (1.7 * 0.3) - 1
    for found in (mine, theirs):
        np.testing.assert_allclose(np.abs(found), 1e-6, rtol=1e-6)
        assert 400 < (found > 0).sum() < 600
