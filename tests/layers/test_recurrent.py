"""Hard cases of the recurrent layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from runner.comparison.rounding import noise
from tests.helpers import same_bits
from tests.layers.agreement import agree, drawn
from tests.layers.helpers import Case, by_autograd, by_hand, make_layer

RECURRENT = ["rnn", "lstm", "gru"]

recurrent = pytest.mark.parametrize("name", RECURRENT)


@recurrent
@pytest.mark.parametrize("output", ["last", "every"])
def test_a_sequence_of_one_step_leaves_the_recurrent_weight_without_a_gradient(name: str, output: str) -> None:
    found = agree(drawn(make_layer(name, {"hidden_size": 3, "output": output}), (1, 2)))
    np.testing.assert_array_equal(found["weight_hh_l0"], 0)
    assert found["weight_ih_l0"].any()


@pytest.mark.parametrize(("name", "more"), [*((name, {}) for name in RECURRENT), ("rnn", {"nonlinearity": "relu"})])
@pytest.mark.parametrize("output", ["last", "every"])
def test_sixty_steps_agree_in_float64(name: str, more: dict[str, Any], output: str) -> None:
    layer = make_layer(name, {"hidden_size": 6, "output": output, **more})
    case = drawn(layer, (60, 4))
    found = agree(case)
    theirs = by_autograd(case)
    for tensor, value in theirs.items():
        np.testing.assert_allclose(found[tensor], value, rtol=1e-11, atol=1e-12 * np.abs(value).max(), err_msg=tensor)


@recurrent
def test_an_output_does_not_depend_on_later_steps_and_the_last_of_every_is_last(name: str) -> None:
    every, last = (make_layer(name, {"hidden_size": 4, "output": output}) for output in ("every", "last"))
    case = drawn(every, (6, 3))
    output = by_hand(case)["output"]
    later = case.x.copy()
    later[:, 3:] += 1.0
    changed = by_hand(replace(case, x=later))["output"]
    assert same_bits(output[:, :3], changed[:, :3])
    assert (output[:, 3:] != changed[:, 3:]).all()
    assert same_bits(by_hand(replace(case, layer=last, delta=case.delta[:, -1]))["output"], output[:, -1].copy())


@recurrent
def test_the_delta_of_the_last_step_alone_is_that_of_output_last(name: str) -> None:
    every, last = (make_layer(name, {"hidden_size": 4, "output": output}) for output in ("every", "last"))
    case = drawn(every, (5, 3))
    case.delta[:, :-1] = 0
    mine, wanted = by_hand(replace(case, layer=last, delta=case.delta[:, -1].copy())), by_hand(case)
    assert all(same_bits(mine[tensor], wanted[tensor]) for tensor in wanted if tensor != "output")


@recurrent
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [30.0, 800.0])
def test_saturated_gates_stay_finite_and_agree(name: str, dtype: str, size: float) -> None:
    case = drawn(make_layer(name, {"hidden_size": 3, "output": "every"}), (4, 2))
    rng = np.random.default_rng(2)
    for bias in ("bias_ih_l0", "bias_hh_l0"):
        case.parameters[bias][...] = rng.choice([-size, size], case.parameters[bias].shape)
    with np.errstate(over="ignore", under="ignore", invalid="raise"):
        found = agree(case, dtype)
    assert np.abs(found["output"]).max() <= 4 + 1e-6  # a cell can count its steps


@pytest.mark.parametrize(("ties", "active"), [(0, 0.0), (-1, 0.0), (1, 1.0)])
def test_a_rectified_state_has_the_gradient_0_at_0_as_torch_has_and_noise_can_turn_the_tie(
    ties: int, active: float
) -> None:
    layer = make_layer("rnn", {"hidden_size": 2, "nonlinearity": "relu", "bias": False})
    parameters = {"weight_ih_l0": np.array([[1.0], [-1.0]]), "weight_hh_l0": np.zeros((2, 2))}
    case = Case(layer, np.zeros((1, 1, 1)), parameters, np.array([[1.0, 3.0]]))
    assert by_autograd(case)["input"] == 0.0
    with noise(1e-12, 1, ties=ties):
        found = by_hand(case, noisy=True)
    np.testing.assert_allclose(found["input"].reshape(()), active * (1.0 - 3.0), rtol=1e-9)


def test_a_rectified_state_below_0_is_not_active_where_ties_fall_upwards() -> None:
    layer = make_layer("rnn", {"hidden_size": 3, "nonlinearity": "relu", "output": "every"})
    case = drawn(layer, (4, 2))
    with noise(1e-12, 1, ties=1):
        found = by_hand(case, noisy=True)
    np.testing.assert_allclose(found["input"], by_hand(case)["input"], rtol=1e-8, atol=1e-10)
