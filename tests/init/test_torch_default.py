"""torch's default law, of every layer: uniform in +-1/sqrt(fan_in) of a linear layer, weights and biases alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from runner.init.torch_default import TorchDefault
from runner.network import Network
from tests.helpers import CATALOG, make_setup
from tests.init.networks import alone
from tests.layers.example import Example
from tests.layers.examples import FOUND
from tests.layers.helpers import make_layer

FEATURES, HIDDEN, DRAWS = 3, 40, 100
WITH_PARAMETERS = [
    (name, example)
    for name in CATALOG.names("layer")
    for example in FOUND[name]
    if make_layer(name, example.keys).parameters(example.shape)
]


@pytest.fixture(scope="module")
def network() -> Network:
    return make_setup(f"data.features={FEATURES}", f"architecture.hidden=[{HIDDEN},9]").problem.network


@pytest.mark.parametrize(
    "name", ["input_layer.weight", "input_layer.bias", "hidden_layer_1.weight", "hidden_layer_1.bias"]
)
def test_parameters_are_uniform_within_the_bound_of_their_fan_in(network: Network, name: str) -> None:
    bound = 1 / np.sqrt(FEATURES if name.startswith("input") else HIDDEN)
    drawn = np.concatenate([TorchDefault().draw(network, seed)[name].ravel() for seed in range(200)]) / bound
    n = drawn.size
    assert np.abs(drawn).max() <= 1
    assert np.abs(drawn).max() > 1 - 20 / n
    assert abs(drawn.mean()) < 5 * np.sqrt(1 / 3 / n)
    assert abs(drawn.var() - 1 / 3) < 5 * np.sqrt(4 / 45 / n)
    assert np.abs(np.sort(drawn) - (2 * (np.arange(n) + 0.5) / n - 1)).max() < 4 / np.sqrt(n)


@pytest.mark.parametrize(("name", "example"), WITH_PARAMETERS, ids=[f"{n}-{e}" for n, e in WITH_PARAMETERS])
def test_of_every_layer_the_law_is_the_one_that_torch_draws_from(name: str, example: Example) -> None:
    """By Kolmogorov and Smirnov; what is the same number in every draw of torch's must be that number."""
    layer = make_layer(name, example.keys)
    network = alone(layer, example.shape)
    torch.manual_seed(1)
    mine = [TorchDefault().draw(network, seed) for seed in range(DRAWS)]
    twins = (layer.torch(example.shape) for _ in range(DRAWS))
    theirs = [{key: p.detach().numpy() for key, p in twin.named_parameters()} for twin in twins]
    assert mine[0].keys() == theirs[0].keys() != set()
    for key in mine[0]:
        a, b = (np.array([draw[key] for draw in draws], np.float64) for draws in (mine, theirs))
        assert a.shape == b.shape
        fixed = np.ptp(b, axis=0) == 0
        np.testing.assert_array_equal(a[:, fixed], b[:, fixed], key)
        if not fixed.all():
            assert ks_2samp(a[:, ~fixed].ravel(), b[:, ~fixed].ravel()).pvalue > 1e-5, key


def test_shapes_names_and_precision_are_the_networks(network: Network) -> None:
    drawn = TorchDefault().draw(network, 1)
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
