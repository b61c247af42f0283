"""What every layer in conf/layer must satisfy; a new one joins by existing."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import DTYPES, Array, Shape
from runner.comparison.constants import LIMIT, UNIT_ROUNDOFF
from runner.comparison.rounding import noise
from runner.layers.base import Buffers, Layer
from runner.layers.narrow import pass_of
from runner.network import build_network
from tests.helpers import CATALOG, in_roundings, same_bits
from tests.layers.example import Example
from tests.layers.examples import FOUND
from tests.layers.helpers import Case, by_autograd, by_hand, draw_case, make_layer, sigma_of_noise

LAYERS = [(name, example) for name in CATALOG.names("layer") for example in FOUND.get(name, [])]
every_layer = pytest.mark.parametrize(("name", "example"), LAYERS, ids=[f"{n}-{e}" for n, e in LAYERS])

CHOOSING = {"relu", "dropout", "flatten", "max_pool2d", "hardtanh", "leaky_relu"}
"""Layers that choose among their inputs: some of their numbers are exact, and noise leaves them alone."""


def drawn(name: str, example: Example, seed: int, **keys: Any) -> Case:
    rng = np.random.default_rng(seed)
    keys = {"shape": example.shape, "vocabulary": example.vocabulary, **keys}
    return draw_case(make_layer(name, example.keys), rng, **keys)


def test_every_layer_is_tried() -> None:
    assert set(FOUND) == set(CATALOG.names("layer"))


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "training"), [(None, True), (2, False)])
@pytest.mark.parametrize("seed", range(2))
def test_output_and_gradients_equal_autograd_within_rounding(
    name: str, example: Example, dtype: str, batch: int | None, training: bool, seed: int
) -> None:
    case = drawn(name, example, seed, batch=batch, training=training).rounded(dtype)
    mine, theirs, sigma = by_hand(case, dtype), by_autograd(case), sigma_of_noise(case, dtype)
    assert mine.keys() == theirs.keys()
    for tensor, value in theirs.items():
        where = f"{tensor}, seed {seed}"
        whole = mine[tensor].dtype.kind == "i"
        assert mine[tensor].dtype == (value.dtype if whole else dtype), where
        assert mine[tensor].shape == value.shape, where
        if whole:
            np.testing.assert_array_equal(mine[tensor], value, where)
            continue
        roundings = in_roundings(mine[tensor].astype(np.float64), value, sigma[tensor], dtype)
        assert roundings.max(initial=0.0) <= LIMIT, where
        top = max(1.0, np.abs(value).max(initial=0.0))
        assert sigma[tensor].max(initial=0.0) < 1e-3 * top, f"a unit that excuses all: {where}"


@every_layer
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_16_bits_results_are_those_of_float32_rounded(name: str, example: Example, dtype: str) -> None:
    case = drawn(name, example, 3).rounded(dtype)
    mine, wanted = by_hand(case, dtype), by_hand(case, "float64")
    for tensor, value in wanted.items():
        if value.dtype.kind == "i":
            continue
        assert mine[tensor].dtype == DTYPES[dtype], tensor
        apart = np.abs(mine[tensor].astype(np.float64) - value).max(initial=0.0)
        assert apart <= 16 * UNIT_ROUNDOFF[dtype] * max(1.0, np.abs(value).max(initial=0.0)), tensor


@every_layer
@pytest.mark.parametrize("replicas", [(3,), (2, 2)])
@pytest.mark.parametrize("training", [True, False])
def test_a_leading_axis_of_replicas_gives_what_each_replica_gives_alone(
    name: str, example: Example, replicas: Shape, training: bool
) -> None:
    case = drawn(name, example, 0, replicas=replicas, training=training)
    together = by_hand(case)
    for at in np.ndindex(*replicas):
        for tensor, value in by_hand(case.alone(at)).items():
            np.testing.assert_allclose(together[tensor][at], value, rtol=1e-11, atol=1e-12, err_msg=f"{tensor} {at}")


def made_of(case: Case, gradients: dict[str, Array], input_gradient: bool = True) -> Any:
    floats = case.x.dtype.kind == "f"
    state = {key: value.copy() for key, value in case.state.items()}
    buffers = Buffers(
        case.x.shape,
        case.parameters,
        gradients,
        np.empty,
        input_gradient and floats,
        replicas=case.replicas,
        training=case.training,
        state=state,
        masks=case.masks,
    )
    return pass_of(case.layer, buffers)


@every_layer
def test_a_pass_repeats_itself_to_the_bit_and_leaves_its_arguments_alone(name: str, example: Example) -> None:
    case = drawn(name, example, 5)
    gradients = {key: np.full_like(value, np.nan) for key, value in case.parameters.items()}
    made = made_of(case, gradients)
    before = [case.x.copy(), case.delta.copy(), *(value.copy() for value in case.parameters.values())]
    runs = []
    for _ in range(2):
        output = made.forward(case.x)
        back = made.backward(case.delta)
        assert output.flags.c_contiguous, "the output is not contiguous"
        assert back.flags.c_contiguous, "the gradient of the input is not contiguous"
        runs.append([np.array(output), np.array(back), *(np.array(value) for value in gradients.values())])
    assert all(same_bits(a, b) for a, b in zip(*runs, strict=True))
    after = [case.x, case.delta, *case.parameters.values()]
    assert all(same_bits(a, b) for a, b in zip(before, after, strict=True))


@every_layer
def test_parameter_gradients_do_not_need_the_gradient_of_the_input(name: str, example: Example) -> None:
    case = drawn(name, example, 6)
    gradients = {key: np.full_like(value, np.nan) for key, value in case.parameters.items()}
    made = made_of(case, gradients, input_gradient=False)
    made.forward(case.x)
    made.backward(case.delta)
    wanted = by_hand(case)
    assert all(same_bits(value, wanted[key]) for key, value in gradients.items())


@every_layer
def test_the_printed_line_and_the_shapes_are_those_of_the_twin(name: str, example: Example) -> None:
    layer = make_layer(name, example.keys)
    twin = layer.torch(example.shape)
    assert layer.describe(example.shape) == repr(twin)
    held = {key: p.shape for key, p in layer.parameters(example.shape).items()}
    held |= {key: value.shape for key, value in layer.buffers(example.shape).items()}
    assert held == {key: tuple(value.shape) for key, value in twin.state_dict().items()}
    assert list(layer.parameters(example.shape)) == [key for key, _ in twin.named_parameters()]
    case = drawn(name, example, 7)
    assert by_autograd(case)["output"].shape == (len(case.x), *layer.output_shape(example.shape))


@every_layer
def test_every_output_and_every_gradient_changes_from_one_noisy_run_to_another(name: str, example: Example) -> None:
    case = drawn(name, example, 1)
    shaken = []
    for k in range(1, 25):
        with noise(1e-9, k):
            shaken.append(by_hand(case, noisy=True))
    for tensor, plain in by_hand(case).items():
        if plain.dtype.kind == "i":
            continue
        values = np.array([run[tensor] for run in shaken])
        spread = values.max(axis=0) - values.min(axis=0)
        np.testing.assert_allclose(values[0], plain, rtol=1e-6, atol=1e-6, err_msg=tensor)
        if name not in CHOOSING and not (name == "embedding" and tensor == "output"):
            assert (spread[np.abs(plain) > 1e-12] > 0).all(), f"{tensor}: noise is lost"


def calls_of(case: Case) -> int:
    """Python-level calls of a forward and a backward pass, those of C functions among them."""
    made = made_of(case, {key: np.empty_like(value) for key, value in case.parameters.items()})
    made.forward(case.x)
    made.backward(case.delta)
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        made.forward(case.x)
        made.backward(case.delta)
    finally:
        sys.setprofile(None)
    return count


@every_layer
def test_a_step_of_1000_replicas_has_as_many_calls_as_one_of_a_single_one(name: str, example: Example) -> None:
    one, many = (calls_of(drawn(name, example, 2, replicas=(r,), batch=2)) for r in (1, 1000))
    assert one == many


@every_layer
def test_parameters_by_torchs_default_law_have_its_mean_and_spread(name: str, example: Example) -> None:
    layer = make_layer(name, example.keys)
    rng = np.random.default_rng(11)
    torch.manual_seed(11)
    mine = [{key: p.draw(rng) for key, p in layer.parameters(example.shape).items()} for _ in range(200)]
    theirs = [dict(layer.torch(example.shape).named_parameters()) for _ in range(200)]
    for key in mine[0]:
        a = np.concatenate([draw[key].ravel() for draw in mine])
        b = np.concatenate([draw[key].detach().numpy().ravel() for draw in theirs]).astype(np.float64)
        spread = max(a.std(), b.std())
        assert abs(a.mean() - b.mean()) <= 8 * spread / np.sqrt(len(a)), key
        assert a.std() == pytest.approx(b.std(), rel=6 / np.sqrt(200), abs=1e-12), key


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
