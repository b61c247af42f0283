"""Normalisations where they are hard: no variance, a large mean, running averages, evaluation mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import DTYPES, Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Pass
from runner.layers.narrow import pass_of
from tests.layers.helpers import Case, by_autograd, by_hand, draw_case, make_layer

KINDS: list[tuple[str, dict[str, Any], Shape]] = [
    ("layer_norm", {}, (2, 6)),
    ("rms_norm", {"eps": 1.0e-5}, (2, 6)),
    ("batch_norm1d", {}, (3, 4)),
    ("batch_norm2d", {}, (2, 3, 2)),
    ("group_norm", {"num_groups": 2}, (4, 3)),
]
every_kind = pytest.mark.parametrize(("name", "keys", "shape"), KINDS, ids=[name for name, _, _ in KINDS])


def drawn(name: str, keys: dict[str, Any], shape: Shape, batch: int = 4, seed: int = 0, training: bool = True) -> Case:
    return draw_case(make_layer(name, keys), np.random.default_rng(seed), (), batch, shape, training=training)


def with_input(case: Case, x: Array) -> Case:
    return Case(case.layer, x, case.parameters, case.delta, (), case.state, {}, case.training)


@every_kind
@pytest.mark.parametrize("value", [0.0, 3.0, -0.5])
def test_equal_values_are_normalised_by_eps_alone(name: str, keys: dict[str, Any], shape: Shape, value: float) -> None:
    case = drawn(name, keys, shape)
    case = with_input(case, np.full_like(case.x, value))
    mine, theirs = by_hand(case), by_autograd(case)
    for tensor, wanted in theirs.items():
        np.testing.assert_allclose(mine[tensor], wanted, rtol=1e-11, atol=1e-11, err_msg=tensor)


@every_kind
@pytest.mark.parametrize("mean", [1e3, 1e4, -1e4])
def test_a_large_mean_costs_no_more_digits_than_it_costs_torch(
    name: str, keys: dict[str, Any], shape: Shape, mean: float
) -> None:
    case = drawn(name, keys, shape, batch=8)
    case = with_input(case, mean + case.x).rounded("float32")
    mine, exact = by_hand(case, "float32"), by_autograd(case)
    module = case.layer.torch(shape)
    module.load_state_dict(
        {k: torch.tensor(v).to(torch.get_default_dtype()) for k, v in case.parameters.items()}, False
    )
    x = torch.tensor(case.x, dtype=torch.float32, requires_grad=True)
    module(x).backward(torch.tensor(case.delta, dtype=torch.float32))
    assert x.grad is not None
    theirs = np.abs(x.grad.numpy() - exact["input"]).max()
    unit = np.finfo(np.float32).eps * np.abs(exact["input"]).max() * max(1.0, abs(mean))
    assert np.abs(mine["input"] - exact["input"]).max() <= 4 * theirs + unit


def stepping(case: Case, dtype: str = "float64", batch: int | None = None) -> tuple[Pass, dict[str, Array]]:
    """A pass that can be run many times, and the state that it writes into."""
    to = DTYPES[dtype]
    state = {k: np.array(v, v.dtype if v.dtype.kind == "i" else to) for k, v in case.layer.buffers(case.sample).items()}
    parameters = {k: v.astype(to) for k, v in case.parameters.items()}
    gradients = {k: np.empty_like(v) for k, v in parameters.items()}
    shape = (case.x.shape[0] if batch is None else batch, *case.sample)
    buffers = Buffers(shape, parameters, gradients, lambda s: np.empty(s, to), True, (), case.training, state, {})
    return pass_of(case.layer, buffers), state


@pytest.mark.parametrize("momentum", [0.1, 0.7, 0.0, 1.0, None])
@pytest.mark.parametrize(
    ("name", "shape"), [("batch_norm1d", (3,)), ("batch_norm1d", (2, 5)), ("batch_norm2d", (2, 2, 3))]
)
def test_running_averages_follow_torch_over_many_steps(name: str, shape: Shape, momentum: float | None) -> None:
    case = drawn(name, {"momentum": momentum}, shape)
    made, state = stepping(case)
    twin = case.layer.torch(shape).to(torch.float64)
    rng = np.random.default_rng(3)
    for _ in range(6):
        x = 2 + 3 * rng.standard_normal(case.x.shape)
        made.forward(x)
        twin(torch.tensor(x))
        for key, value in twin.named_buffers():
            np.testing.assert_allclose(state[key], value.numpy(), rtol=1e-13, err_msg=key)
    assert state["num_batches_tracked"] == 6


@pytest.mark.parametrize(("name", "shape"), [("batch_norm1d", (3,)), ("batch_norm2d", (2, 2, 3))])
@pytest.mark.parametrize("affine", [True, False])
def test_evaluation_mode_uses_the_running_averages_and_leaves_them(name: str, shape: Shape, affine: bool) -> None:
    case = drawn(name, {"affine": affine}, shape, training=False)
    mine, theirs = by_hand(case), by_autograd(case)
    for tensor, wanted in theirs.items():
        np.testing.assert_allclose(mine[tensor], wanted, rtol=1e-12, atol=1e-13, err_msg=tensor)
    for key, value in case.state.items():
        np.testing.assert_array_equal(mine[f"state: {key}"], value)
    rstd = 1 / np.sqrt(case.state["running_var"] + 1e-5) * (case.parameters["weight"] if affine else 1)
    np.testing.assert_allclose(mine["input"], case.delta * rstd.reshape(-1, *[1] * (len(shape) - 1)), rtol=1e-13)


def test_without_running_averages_evaluation_is_training() -> None:
    keys = {"track_running_stats": False}
    found = [by_hand(drawn("batch_norm2d", keys, (2, 3, 2), training=training)) for training in (True, False)]
    assert found[0].keys() == found[1].keys() == {"output", "input", "weight", "bias"}
    assert all(np.array_equal(found[0][key], found[1][key]) for key in found[0])


def test_every_replica_keeps_averages_of_its_own() -> None:
    layer = make_layer("batch_norm1d", {"momentum": None})
    case = draw_case(layer, np.random.default_rng(2), (3,), 4, (2,))
    case.state["num_batches_tracked"][...] = [0, 1, 4]
    mine = by_hand(case)
    np.testing.assert_array_equal(mine["state: num_batches_tracked"], [1, 2, 5])
    share = 1 / np.array([1, 2, 5])[:, None]
    wanted = (1 - share) * case.state["running_mean"] + share * case.x.mean(axis=1)
    np.testing.assert_allclose(mine["state: running_mean"], wanted, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "keys", "shape"),
    [
        ("batch_norm1d", {}, (3,)),
        ("batch_norm1d", {}, (3, 1)),
        ("batch_norm2d", {}, (2, 1, 1)),
        ("group_norm", {"num_groups": 3}, (3,)),
    ],
)
def test_one_value_a_channel_is_refused_as_torch_refuses_it(name: str, keys: dict[str, Any], shape: Shape) -> None:
    case = drawn(name, keys, shape, batch=1)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        by_autograd(case)
    assert make_layer(name, keys).fewest(shape) == 2


@pytest.mark.parametrize(
    ("name", "shape", "training"),
    [("batch_norm1d", (3, 2), True), ("batch_norm1d", (3,), False), ("batch_norm2d", (2, 1, 1), False)],
)
def test_a_batch_of_one_is_enough_elsewhere(name: str, shape: Shape, training: bool) -> None:
    case = drawn(name, {}, shape, batch=1, training=training)
    mine = by_hand(case)
    for tensor, wanted in by_autograd(case).items():
        np.testing.assert_allclose(mine[tensor], wanted, rtol=1e-9, atol=1e-12, err_msg=tensor)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_the_eps_that_rms_norm_takes_by_itself_is_that_of_the_dtype_it_computes_in(dtype: str) -> None:
    x = np.array([[1e-4, 2e-4, 0.0, -3e-4]])
    case = Case(make_layer("rms_norm", {"elementwise_affine": False}), x, {}, np.ones_like(x)).rounded(dtype)
    twin = case.layer.torch((4,)).to(getattr(torch, dtype))
    theirs = twin(torch.tensor(case.x).to(getattr(torch, dtype))).double().numpy()
    np.testing.assert_allclose(
        by_hand(case, dtype)["output"].astype(float), theirs, rtol=1e-2 if dtype[-2:] == "16" else 1e-6
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_running_averages_are_kept_in_16_bits_too(dtype: str) -> None:
    case = drawn("batch_norm1d", {}, (3,)).rounded(dtype)
    made, state = stepping(case, dtype)
    made.forward(case.x.astype(DTYPES[dtype]))
    assert state["num_batches_tracked"] == 1
    np.testing.assert_allclose(state["running_mean"].astype(float), 0.1 * case.x.mean(axis=0), rtol=0.02, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "keys", "shape", "words"),
    [
        ("layer_norm", {"normalized_shape": [3, 4]}, (4, 3), r"last axes are \[3, 4\]"),
        ("layer_norm", {"normalized_shape": [2, 3, 4]}, (3, 4), r"last axes are \[2, 3, 4\]"),
        ("rms_norm", {"normalized_shape": [5]}, (4,), r"last axes are \[5\]"),
        ("rms_norm", {"normalized_shape": 5}, (4,), r"last axes are \[5\]"),
        ("layer_norm", {}, (), "at least 1 axis"),
        ("batch_norm1d", {}, (2, 3, 4), r"1 axis \(channels\) or 2 axes \(channels, length\)"),
        ("batch_norm2d", {}, (2, 3), r"3 axes \(channels, height, width\)"),
        ("group_norm", {"num_groups": 2}, (3, 4), "a multiple of num_groups, 2"),
    ],
)
def test_an_input_that_does_not_fit_is_told_so(name: str, keys: dict[str, Any], shape: Shape, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_layer(name, keys).output_shape(shape)


@pytest.mark.parametrize(
    ("name", "keys", "key", "words"),
    [
        ("layer_norm", {"eps": -1.0}, "eps", "a finite number from 0"),
        ("layer_norm", {"normalized_shape": []}, "normalized_shape", "a whole number from 1, a list of at least"),
        ("layer_norm", {"normalized_shape": [2, 0]}, "normalized_shape", "whole number from 1"),
        ("layer_norm", {"normalized_shape": 0}, "normalized_shape", "whole number from 1"),
        ("layer_norm", {"normalized_shape": True}, "normalized_shape", "whole number from 1"),
        ("layer_norm", {"normalized_shape": [4, "a"]}, "normalized_shape", "whole number from 1"),
        ("rms_norm", {"normalized_shape": 2.5}, "normalized_shape", "whole number from 1"),
        ("rms_norm", {"eps": float("inf")}, "eps", "a finite number from 0"),
        ("rms_norm", {"normalized_shape": []}, "normalized_shape", "whole number from 1"),
        ("batch_norm1d", {"momentum": 1.5}, "momentum", "a number from 0 to 1, or null"),
        ("batch_norm2d", {"eps": float("nan")}, "eps", "a finite number above 0"),
        ("batch_norm1d", {"eps": 0.0}, "eps", "a finite number above 0"),
        ("batch_norm2d", {"eps": -1.0}, "eps", "a finite number above 0"),
        ("group_norm", {"num_groups": 0}, "num_groups", "a whole number from 1"),
    ],
)
def test_a_key_out_of_range_is_named(name: str, keys: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        make_layer(name, keys)
    assert told.value.key.endswith(key)
