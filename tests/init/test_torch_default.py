"""torch's default law: uniform in +-1/sqrt(fan_in), weights and biases alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from runner.data.base import Stream, generator
from runner.init.torch_default import TorchDefault
from runner.network import Network
from tests.helpers import make_setup

FEATURES, HIDDEN = 3, 40


@pytest.fixture(scope="module")
def network() -> Network:
    return make_setup(f"data.features={FEATURES}", f"architecture.hidden=[{HIDDEN},9]").problem.network


@pytest.mark.parametrize(
    "name", ["input_layer.weight", "input_layer.bias", "hidden_layer_1.weight", "hidden_layer_1.bias"]
)
def test_parameters_are_uniform_within_the_bound_of_their_fan_in(network: Network, name: str) -> None:
    bound = 1 / np.sqrt(FEATURES if name.startswith("input") else HIDDEN)
    rng = generator(3, Stream.INIT)
    drawn = np.concatenate([TorchDefault().draw(network, rng)[name].ravel() for _ in range(200)]) / bound
    n = drawn.size
    assert np.abs(drawn).max() <= 1
    assert np.abs(drawn).max() > 1 - 20 / n
    assert abs(drawn.mean()) < 5 * np.sqrt(1 / 3 / n)
    assert abs(drawn.var() - 1 / 3) < 5 * np.sqrt(4 / 45 / n)
    assert np.abs(np.sort(drawn) - (2 * (np.arange(n) + 0.5) / n - 1)).max() < 4 / np.sqrt(n)


def test_the_law_is_the_one_that_torch_draws_from(network: Network) -> None:
    torch.manual_seed(0)
    module = torch.nn.Linear(FEATURES, 4000)
    bound = 1 / np.sqrt(network.parameters["input_layer.weight"].fan_in)
    for value in (module.weight, module.bias):
        assert 0.99 * bound < float(value.detach().abs().max()) <= bound * (1 + 1e-6)


def test_shapes_names_and_precision_are_the_networks(network: Network) -> None:
    drawn = TorchDefault().draw(network, generator(1, Stream.INIT))
    assert {name: value.shape for name, value in drawn.items()} == {
        name: p.shape for name, p in network.parameters.items()
    }
    assert all(value.dtype == np.float64 for value in drawn.values())


def test_torchs_own_generator_has_no_part_in_it() -> None:
    torch.manual_seed(1)
    one = make_setup().initial.parameters
    torch.manual_seed(2)
    two = make_setup().initial.parameters
    assert all(np.array_equal(value, two[name]) for name, value in one.items())
