"""The laws of torch.nn.init: bounds, spread and gains are torch's, and which parameters they draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest
from torch.nn import init

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.init.kaiming import GAINS, LEAKY, Kaiming
from runner.init.weights import fans
from runner.network import Network
from tests.helpers import make_setup, same_bits
from tests.init.networks import complaint, drawn, make_init, network_of, opaque

SHAPES: list[Shape] = [(40, 9), (5, 60), (24, 4, 5), (12, 6, 3, 2), (7, 1)]
LAYERS: list[dict[str, Any]] = [
    {"layer": "conv2d", "out_channels": 6, "kernel_size": 2},
    {"layer": "batch_norm2d"},
    {"layer": "flatten"},
    {"layer": "linear", "out": 8},
    {"layer": "layer_norm"},
    {"layer": "linear", "out": 3},
]
OF_WEIGHTS = ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"]
DRAWS = 60

Fill = Callable[..., torch.Tensor]
LAWS: list[tuple[str, Fill, dict[str, Any]]] = [
    ("xavier_uniform", init.xavier_uniform_, {}),
    ("xavier_uniform", init.xavier_uniform_, {"gain": 2.5}),
    ("xavier_normal", init.xavier_normal_, {}),
    ("xavier_normal", init.xavier_normal_, {"gain": 0.3}),
    ("orthogonal", init.orthogonal_, {}),
    ("orthogonal", init.orthogonal_, {"gain": 3.0}),
    *(
        (name, fill, keys)
        for name, fill in (("kaiming_uniform", init.kaiming_uniform_), ("kaiming_normal", init.kaiming_normal_))
        for keys in ({}, {"a": 5**0.5}, {"mode": "fan_out", "nonlinearity": "relu"}, {"nonlinearity": "tanh", "a": 0.7})
    ),
]
every_law = pytest.mark.parametrize(("name", "fill", "keys"), LAWS, ids=[f"{n}-{k}" for n, _, k in LAWS])


def samples(name: str, shape: Shape, keys: dict[str, Any], draws: int = DRAWS) -> Array:
    network = opaque(shape)
    return np.array([drawn(name, network, seed, **keys)["weight"] for seed in range(draws)])


def network() -> Network:
    return network_of(LAYERS, (3, 4, 4))


@every_law
@pytest.mark.parametrize("shape", SHAPES)
def test_the_law_is_torchs(name: str, fill: Fill, keys: dict[str, Any], shape: Shape) -> None:
    torch.manual_seed(0)
    mine = samples(name, shape, keys)
    theirs = np.array([fill(torch.empty(shape, dtype=torch.float64), **keys).numpy() for _ in range(DRAWS)])
    assert mine.shape == theirs.shape
    assert mine.std() == pytest.approx(theirs.std(), rel=8 / np.sqrt(mine.size))
    assert ks_2samp(mine.ravel(), theirs.ravel()).pvalue > 1e-5
    if name.endswith("uniform"):
        assert np.abs(mine).max() == pytest.approx(np.abs(theirs).max(), rel=30 / mine.size)


def test_bounds_and_deviations_are_those_of_the_formulas() -> None:
    fan_in, fan_out = 6 * 3 * 2, 12 * 3 * 2
    shape, keys = (12, 6, 3, 2), {"mode": "fan_out", "nonlinearity": "relu"}
    for name, bound, more in (
        ("xavier_uniform", 2 * np.sqrt(6 / (fan_in + fan_out)), {"gain": 2.0}),
        ("kaiming_uniform", np.sqrt(6 / fan_out), keys),
    ):
        found = samples(name, shape, more).ravel() / bound
        assert 0.999 < np.abs(found).max() <= 1
        assert kstest(found, "uniform", (-1, 2)).pvalue > 1e-5
    for name, deviation, more in (
        ("xavier_normal", 2 * np.sqrt(2 / (fan_in + fan_out)), {"gain": 2.0}),
        ("kaiming_normal", np.sqrt(2 / fan_out), keys),
    ):
        assert kstest(samples(name, shape, more).ravel() / deviation, "norm").pvalue > 1e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_fans_are_torchs(shape: Shape) -> None:
    assert fans(shape) == init._calculate_fan_in_and_fan_out(torch.empty(shape))


@pytest.mark.parametrize("nonlinearity", [*GAINS, LEAKY])
@pytest.mark.parametrize("a", [0.0, 0.01, -2.0, 1e3])
def test_gains_are_torchs(nonlinearity: Any, a: float) -> None:
    made = make_init("kaiming_normal", nonlinearity=nonlinearity, a=a)
    assert isinstance(made, Kaiming)
    assert made.deviation((1, 1)) == pytest.approx(init.calculate_gain(nonlinearity, a), rel=1e-15)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_an_orthogonal_matrix_has_orthonormal_rows_or_columns_times_its_gain(shape: Shape, gain: float) -> None:
    w = samples("orthogonal", shape, {"gain": gain})[0].reshape(shape[0], -1)
    w = w if len(w) <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, gain**2 * np.eye(len(w)), atol=1e-14)


def test_an_orthogonal_matrix_is_uniform_over_all_of_them() -> None:
    """Either sign of the determinant, and of every element, half of the time; QR alone has signs of its own."""
    found = samples("orthogonal", (3, 3), {}, 400)
    assert np.all(np.abs(found.mean(axis=0)) < 5 * np.sqrt(1 / 3 / 400))
    assert abs(np.linalg.det(found).mean()) < 5 / np.sqrt(400)


@pytest.mark.parametrize("name", OF_WEIGHTS)
def test_weights_follow_the_law_biases_are_0_and_a_normalisation_is_torchs(name: str) -> None:
    found = drawn(name, network())
    assert list(found) == list(network().parameters)
    for key, value in found.items():
        assert value.shape == network().parameters[key].shape
        assert value.dtype == np.float64
        assert value.flags.c_contiguous or value.ndim > 1
        if value.ndim > 1:
            assert value.std() > 0
        else:
            assert set(value) == {0.0 if key.endswith("bias") else 1.0}, key


def test_every_stored_matrix_is_one_and_every_bias_of_attention_and_recurrence_is_0() -> None:
    layers = [{"layer": "multi_head_attention", "num_heads": 2}, {"layer": "lstm", "hidden_size": 5}]
    found = drawn("xavier_uniform", network_of(layers, (3, 8)))
    for key, value in found.items():
        bound = np.sqrt(6 / sum(value.shape)) if value.ndim > 1 else 0
        assert 0.9 * bound <= np.abs(value).max() <= bound, key


def test_zeros_constant_and_normal_are_for_all_parameters() -> None:
    assert all(not value.any() for value in drawn("zeros", network()).values())
    assert all(set(value.ravel()) == {-2.5} for value in drawn("constant", network(), value=-2.5).values())
    found = drawn("normal", network_of([{"layer": "linear", "out": 900}], (9,)), mean=3.0, std=0.5)
    for value in found.values():
        assert kstest((value.ravel() - 3) / 0.5, "norm").pvalue > 1e-5
    assert all(value.std() > 0 for key, value in drawn("normal", network()).items() if "weight" in key)


@pytest.mark.parametrize("name", ["torch_default", "torch_seeded", *OF_WEIGHTS, "normal"])
def test_a_seed_gives_the_same_bits_again_and_another_one_others(name: str) -> None:
    one, again, other = (drawn(name, network(), seed) for seed in (1, 1, 2))
    assert all(same_bits(value, again[key]) for key, value in one.items())
    assert any(not np.array_equal(value, other[key]) for key, value in one.items())


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("xavier_uniform", {"gain": -1.0}, "init.gain: got -1.0; allowed: a finite number from 0"),
        ("xavier_normal", {"gain": float("nan")}, "init.gain: got nan; allowed: a finite"),
        ("orthogonal", {"gain": float("inf")}, "init.gain: got inf; allowed: a finite"),
        ("kaiming_uniform", {"a": float("inf")}, "init.a: got inf; allowed: a finite number"),
        ("kaiming_uniform", {"mode": "fan_int"}, "init.mode: got fan_int; allowed: fan_in, fan_out (did you mean"),
        ("kaiming_normal", {"nonlinearity": "rellu"}, "leaky_relu (did you mean relu?)"),
        ("constant", {"value": float("nan")}, "init.value: got nan; allowed: a finite number"),
        ("constant", {}, "init.value"),
        ("normal", {"mean": float("inf")}, "init.mean: got inf"),
        ("normal", {"std": -0.1}, "init.std: got -0.1; allowed: a finite number from 0"),
    ],
)
def test_values_out_of_range_are_refused(name: str, keys: dict[str, Any], words: str) -> None:
    assert words in complaint(name, **keys)


@pytest.mark.parametrize(
    "overrides",
    [
        ["init=xavier_uniform", "init.gain=1e308"],
        ["init=xavier_normal", "init.gain=1e39"],
        ["init=orthogonal", "init.gain=1e308"],
        ["init=normal", "init.std=1.7e308"],
        ["init=normal", "init.mean=1e300"],
        ["init=constant", "init.value=-1e39"],
    ],
)
def test_numbers_beyond_the_runs_dtype_are_refused(overrides: list[str]) -> None:
    with pytest.raises(ConfigError, match="beyond the range of float32"):
        make_setup(*overrides)


def test_a_slope_beyond_any_square_is_a_gain_near_0() -> None:
    assert np.abs(drawn("kaiming_normal", network(), a=1e300)["input_layer.weight"]).max() < 1e-298
