"""Steps that are known without torch."""

from __future__ import annotations

import numpy as np
import pytest

from runner.arrays import DTYPES, is_narrow
from tests.helpers import same_bits
from tests.optimizers.counting import operations
from tests.optimizers.helpers import (
    by_hand,
    draw,
    make_optimizer,
)


def test_sgd_subtracts_the_learning_rate_times_the_gradient() -> None:
    gradients = [np.array([4.0, 8.0]), np.array([0.0, 4.0])]
    path = by_hand(make_optimizer("sgd", {}), np.array([1.0, -2.0]), gradients, 0.25)
    np.testing.assert_array_equal([point.parameters for point in path], [[0.0, -4.0], [0.0, -5.0]])
    assert not any(point.state for point in path)


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_plain_sgd_is_two_array_operations(dtype: str) -> None:
    start, (gradient,) = draw(dtype, 1, 1000, seed=7)
    (point,) = by_hand(make_optimizer("sgd", {}), start, [gradient], 0.3)
    to = DTYPES[dtype]
    if is_narrow(to):
        wanted = (start.astype(np.float32) - gradient.astype(np.float32) * np.float32(to.type(0.3))).astype(to)
    else:
        wanted = start - gradient * to.type(0.3)
    assert same_bits(point.parameters, wanted)
    assert operations(make_optimizer("sgd", {}), (5,)) == 2


def test_the_first_gradient_fills_the_momentum_buffer_whatever_the_dampening() -> None:
    optimizer = make_optimizer("sgd", {"momentum": 0.5, "dampening": 0.75})
    first, second = by_hand(optimizer, np.array([1.0]), [np.array([4.0]), np.array([8.0])], 0.25)
    assert first.state["momentum_buffer"] == 4.0
    assert second.state["momentum_buffer"] == 0.5 * 4 + 0.25 * 8
    assert (first.parameters[0], second.parameters[0]) == (0.0, -1.0)


def test_a_step_of_adam_is_lr_long_at_first_whatever_the_gradient() -> None:
    for size in (1e-3, 1.0, 1e3):
        (point,) = by_hand(make_optimizer("adam", {}), np.array([1.0]), [np.array([size])], 0.25)
        assert point.parameters[0] == pytest.approx(0.75, abs=1e-5)


def test_amsgrad_remembers_a_large_gradient() -> None:
    gradients = [np.array([100.0]), *[np.array([1.0])] * 50]
    keys = {"betas": [0.0, 0.5]}
    forgets = by_hand(make_optimizer("adam", keys), np.array([0.0]), gradients, 0.1)
    remembers = by_hand(make_optimizer("adam", keys | {"amsgrad": True}), np.array([0.0]), gradients, 0.1)
    last = [float(path[-2].parameters[0] - path[-1].parameters[0]) for path in (forgets, remembers)]
    assert last[0] == pytest.approx(0.1)
    assert 0 < last[1] < 0.002
    assert remembers[-1].state["max_exp_avg_sq"] == remembers[0].state["exp_avg_sq"]


def test_adamw_decays_the_weights_whatever_the_gradient_and_adam_does_not() -> None:
    """Adam's decay is divided by the root of the mean square along with the gradient: its step stays lr long."""
    start, gradient, keys = np.array([10.0]), [np.array([1.0])], {"weight_decay": 0.5}
    (coupled,) = by_hand(make_optimizer("adam", keys), start, gradient, 0.1)
    (decoupled,) = by_hand(make_optimizer("adamw", keys), start, gradient, 0.1)
    assert coupled.parameters[0] == pytest.approx(10 - 0.1)
    assert decoupled.parameters[0] == pytest.approx(10 * (1 - 0.1 * 0.5) - 0.1)


def test_eps_stands_inside_the_root_of_adadelta_and_outside_that_of_rmsprop() -> None:
    gradient, value = [np.array([2.0])], 0.25
    (inside,) = by_hand(make_optimizer("adadelta", {"rho": 0.5, "eps": value}), np.array([0.0]), gradient, 1.0)
    (outside,) = by_hand(make_optimizer("rmsprop", {"alpha": 0.5, "eps": value}), np.array([0.0]), gradient, 1.0)
    assert inside.parameters[0] == pytest.approx(-np.sqrt(value) / np.sqrt(2 + value) * 2)
    assert outside.parameters[0] == pytest.approx(-2 / (np.sqrt(2) + value))


def test_radam_does_not_divide_while_its_mean_square_is_short() -> None:
    """With beta2 = 0.999 the length passes 5 at the sixth step."""
    gradients = [np.array([3.0])] * 6
    path = by_hand(make_optimizer("radam", {}), np.array([0.0]), gradients, 0.1)
    steps = -np.diff([0.0, *[float(point.parameters[0]) for point in path]])
    np.testing.assert_allclose(steps[:5], 0.3, rtol=1e-12)
    assert 0 < steps[5] < 0.1
