"""What every layer in conf/layer must satisfy; a new one joins by existing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from runner.comparison.constants import LIMIT
from runner.comparison.rounding import noise
from runner.layers.base import Buffers, Layer
from runner.network import build_network
from tests.helpers import in_roundings, same_bits
from tests.layers.helpers import LAYERS, Case, by_autograd, by_hand, draw_case, make_layer, sigma_of_noise

every_layer = pytest.mark.parametrize(("name", "keys"), LAYERS, ids=[f"{name}{keys or ''}" for name, keys in LAYERS])


def test_the_folder_of_layers_is_not_empty() -> None:
    assert {name for name, _ in LAYERS} >= {"linear", "sigmoid", "tanh", "relu"}


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("seed", range(8))
def test_output_and_gradients_equal_autograd_within_rounding(
    name: str, keys: dict[str, Any], dtype: str, batch: int | None, seed: int
) -> None:
    case = draw_case(make_layer(name, keys), np.random.default_rng(seed), batch=batch).rounded(dtype)
    mine, theirs, sigma = by_hand(case, dtype), by_autograd(case), sigma_of_noise(case, dtype)
    assert mine.keys() == theirs.keys()
    for tensor, value in theirs.items():
        where = f"{tensor}, seed {seed}"
        assert mine[tensor].dtype == dtype, where
        assert mine[tensor].shape == value.shape, where
        roundings = in_roundings(mine[tensor].astype(np.float64), value, sigma[tensor], dtype)
        assert roundings.max() <= LIMIT, where
        assert sigma[tensor].max() < 1e-4 * max(1.0, np.abs(value).max()), f"a unit that excuses all: {where}"


@every_layer
@pytest.mark.parametrize("replicas", [(3,), (2, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_a_leading_axis_of_replicas_gives_what_each_replica_gives_alone(
    name: str, keys: dict[str, Any], replicas: tuple[int, ...], seed: int
) -> None:
    case = draw_case(make_layer(name, keys), np.random.default_rng(seed), replicas)
    together = by_hand(case)
    for at in np.ndindex(*replicas):
        parameters = {key: value[at] for key, value in case.parameters.items()}
        alone = by_hand(Case(case.layer, case.x[at], parameters, case.delta[at]))
        for tensor, value in alone.items():
            np.testing.assert_allclose(together[tensor][at], value, rtol=1e-12, atol=1e-14, err_msg=f"{tensor} {at}")


@every_layer
def test_a_pass_repeats_itself_to_the_bit_and_leaves_its_arguments_alone(name: str, keys: dict[str, Any]) -> None:
    case = draw_case(make_layer(name, keys), np.random.default_rng(5))
    gradients = {key: np.full_like(value, np.nan) for key, value in case.parameters.items()}
    made = case.layer.scratch(Buffers(case.x.shape, case.parameters, gradients, np.empty, input_gradient=True))
    before = [case.x.copy(), case.delta.copy(), *(value.copy() for value in case.parameters.values())]
    runs = []
    for _ in range(2):
        output = np.array(made.forward(case.x))
        runs.append([output, np.array(made.backward(case.delta)), *(np.array(value) for value in gradients.values())])
    assert all(same_bits(a, b) for a, b in zip(*runs, strict=True))
    after = [case.x, case.delta, *case.parameters.values()]
    assert all(same_bits(a, b) for a, b in zip(before, after, strict=True))


@every_layer
def test_parameter_gradients_do_not_need_the_gradient_of_the_input(name: str, keys: dict[str, Any]) -> None:
    case = draw_case(make_layer(name, keys), np.random.default_rng(6))
    gradients = {key: np.full_like(value, np.nan) for key, value in case.parameters.items()}
    made = case.layer.scratch(Buffers(case.x.shape, case.parameters, gradients, np.empty, input_gradient=False))
    made.forward(case.x)
    made.backward(case.delta)
    wanted = by_hand(case)
    assert all(same_bits(value, wanted[key]) for key, value in gradients.items())


@every_layer
def test_the_printed_line_and_the_shape_are_those_of_the_twin(name: str, keys: dict[str, Any]) -> None:
    layer = make_layer(name, keys)
    twin = layer.torch((6,))
    assert layer.describe((6,)) == repr(twin)
    assert tuple(twin(torch.zeros(2, 6)).shape) == (2, *layer.output_shape((6,)))
    specified = {key: p.shape for key, p in layer.parameters((6,)).items()}
    assert specified == {key: tuple(value.shape) for key, value in twin.state_dict().items()}


def _is_rounded(name: str, tensor: str) -> bool:
    """ReLU's forward only chooses; everything else rounds."""
    return (name, tensor) != ("relu", "output")


@every_layer
@pytest.mark.parametrize("seed", range(4))
def test_every_output_and_every_gradient_changes_from_one_noisy_run_to_another(
    name: str, keys: dict[str, Any], seed: int
) -> None:
    case = draw_case(make_layer(name, keys), np.random.default_rng(seed))
    shaken = []
    for k in range(1, 25):
        with noise(1e-9, k):
            shaken.append(by_hand(case, noisy=True))
    for tensor, plain in by_hand(case).items():
        values = np.array([run[tensor] for run in shaken])
        spread = values.max(axis=0) - values.min(axis=0)
        np.testing.assert_allclose(values[0], plain, rtol=1e-6, atol=1e-6, err_msg=tensor)
        if _is_rounded(name, tensor):
            assert (spread[plain != 0] > 0).all(), f"{tensor}, seed {seed}: noise is lost"


def test_relu_takes_the_gradient_0_at_0_as_torch_does() -> None:
    layer = make_layer("relu", {})
    case = Case(layer, np.array([[0.0, -0.0, 1.0, -1.0]]), {}, np.ones((1, 4)))
    mine, theirs = by_hand(case), by_autograd(case)
    np.testing.assert_array_equal(mine["input"], [[0.0, 0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(mine["input"], theirs["input"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_saturation_gives_the_limits_and_no_value_that_is_not_finite(name: str, dtype: str) -> None:
    x = np.array([[-1e4, -800.0, -90.0, 90.0, 800.0, 1e4]])
    with np.errstate(over="ignore", under="ignore"):
        found = by_hand(Case(make_layer(name, {}), x, {}, np.ones_like(x)), dtype)
    low = 0.0 if name == "sigmoid" else -1.0
    np.testing.assert_allclose(found["output"], [[low] * 3 + [1.0] * 3], atol=1e-30)
    np.testing.assert_allclose(found["input"], np.zeros_like(x), atol=1e-30)


@pytest.mark.parametrize("bias", [True, False])
def test_linear_has_a_bias_only_if_it_is_asked_for(bias: bool) -> None:
    layer: Layer = make_layer("linear", {"out": 3, "bias": bias})
    assert list(layer.parameters((2,))) == (["weight", "bias"] if bias else ["weight"])
    assert str(build_network([("layer", layer)], (2,))) == repr(build_network([("layer", layer)], (2,)).torch())
