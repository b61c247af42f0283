"""What every optimizer in conf/optimizer must satisfy; a new one joins by existing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from runner.arrays import DTYPES, eps
from tests.helpers import CATALOG, same_bits
from tests.optimizers.helpers import (
    OPTIMIZERS,
    SIZE,
    STEPS,
    VARIANTS,
    ByTorch,
    Point,
    assert_agree,
    by_hand,
    by_torch,
    draw,
    every_optimizer,
    in_units,
    make_optimizer,
)


def test_every_optimizer_is_there_and_none_that_is_not_is_tried() -> None:
    names = {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam", "radam"}
    assert names <= set(CATALOG.names("optimizer"))
    assert set(VARIANTS) <= set(CATALOG.names("optimizer"))


@every_optimizer
@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("lr", [0.05, 1.0])
def test_parameters_and_state_equal_torchs_within_rounding(
    name: str, keys: Mapping[str, Any], dtype: str, lr: float
) -> None:
    start, gradients = draw(dtype, STEPS, SIZE, seed=round(100 * lr))
    optimizer = make_optimizer(name, keys)
    with np.errstate(all="ignore"):
        mine = by_hand(optimizer, start, list(gradients), lr)
    assert_agree(mine, by_torch(optimizer, start, list(gradients), lr), start, dtype)


@every_optimizer
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_step_in_16_bits_is_torchs_to_the_bit_where_it_fills_registers(
    name: str, keys: Mapping[str, Any], dtype: str
) -> None:
    """But for a few: a fused multiply-add rounds once less in float32."""
    start, gradients = draw(dtype, 6, 4096, seed=8)
    optimizer = make_optimizer(name, keys)
    twin, parameters, buffer = ByTorch(optimizer, start, 0.05), start.copy(), np.empty_like(start)
    updater = optimizer.scratch(parameters, buffer)
    for gradient in gradients:
        buffer[...] = gradient
        with np.errstate(all="ignore"):
            updater.update(0.05)
        twin.step(gradient)
        theirs = twin.point
        found = Point(parameters, updater.state())
        for key, value in found.arrays.items():
            other = ~((value == theirs.arrays[key]) | (np.isnan(value) & np.isnan(theirs.arrays[key])))
            assert np.count_nonzero(other) <= 41, f"{np.count_nonzero(other)} of 4096 {key} differ"
        parameters[...] = theirs.parameters
        updater.load(theirs.state)


@every_optimizer
def test_a_learning_rate_of_0_moves_nothing(name: str, keys: Mapping[str, Any]) -> None:
    start, gradients = draw("float32", 3, SIZE, seed=9)
    for point in by_hand(make_optimizer(name, keys), start, list(gradients), 0.0):
        assert same_bits(point.parameters, start)


@every_optimizer
@pytest.mark.parametrize("size", [1e-30, 1e30, 0.0])
def test_gradients_of_any_size(name: str, keys: Mapping[str, Any], size: float) -> None:
    """Those of 0 leave the root of the mean square 0, and eps alone to divide by."""
    start, gradients = draw("float64", 10, SIZE, seed=1)
    optimizer = make_optimizer(name, keys)
    with np.errstate(all="ignore"):
        mine = by_hand(optimizer, start, list(size * gradients), 0.05)
    assert_agree(mine, by_torch(optimizer, start, list(size * gradients), 0.05), start, "float64")


@every_optimizer
def test_a_gradient_moves_its_parameter_against_its_sign(name: str, keys: Mapping[str, Any]) -> None:
    optimizer = make_optimizer(name, {**keys, "weight_decay": 0.0})
    (point,) = by_hand(optimizer, np.array([1.0, 1.0]), [np.array([2.0, -2.0])], 0.01)
    up = keys.get("maximize", False)
    assert (
        (point.parameters[0] > 1.0 > point.parameters[1]) if up else (point.parameters[0] < 1.0 < point.parameters[1])
    )


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_goes_on_from_torchs_state(name: str, keys: Mapping[str, Any], dtype: str) -> None:
    """As in lockstep: after every step the state and the parameters are torch's, so a deviation is one step's."""
    start, gradients = draw(dtype, 30, SIZE, seed=2)
    optimizer = make_optimizer(name, keys)
    twin, parameters, buffer = ByTorch(optimizer, start, 0.05), start.copy(), np.empty_like(start)
    updater = optimizer.scratch(parameters, buffer)
    before = start
    for gradient in gradients:
        buffer[...] = gradient
        updater.update(0.05)
        twin.step(gradient)
        theirs = twin.point
        sizes = np.abs(before) + np.abs(theirs.parameters)
        assert in_units(parameters, theirs.parameters, eps(DTYPES[dtype]), sizes) <= 128
        parameters[...] = before = theirs.parameters
        updater.load(theirs.state)
        for key, value in theirs.state.items():
            np.testing.assert_array_equal(updater.state()[key], value)


@every_optimizer
def test_a_state_that_is_taken_is_copied_and_nothing_begins_anew(name: str, keys: Mapping[str, Any]) -> None:
    start, gradients = draw("float64", 8, SIZE, seed=3)
    optimizer = make_optimizer(name, keys)
    whole = by_hand(optimizer, start, list(gradients), 0.05)
    parameters, buffer = whole[3].parameters.copy(), np.empty(SIZE)
    updater = optimizer.scratch(parameters, buffer)
    given = {key: value.copy() for key, value in whole[3].state.items()}
    updater.load(given)
    assert set(updater.state()) == set(given)
    for value in given.values():
        value[...] = np.nan
    for _ in range(2):
        for point, gradient in zip(whole[4:], gradients[4:], strict=True):
            buffer[...] = gradient
            updater.update(0.05)
            assert same_bits(parameters, point.parameters)
        parameters[...] = whole[3].parameters
        updater.load(whole[3].state)
    parameters[...] = start
    updater.load({})
    assert set(updater.state()) == set(ByTorch(optimizer, start, 0.05).point.state)
    for point, gradient in zip(whole, gradients, strict=True):
        buffer[...] = gradient
        updater.update(0.05)
        assert same_bits(parameters, point.parameters)
        assert set(updater.state()) == set(point.state)


@every_optimizer
def test_a_state_holds_its_own_arrays_step_after_step(name: str, keys: Mapping[str, Any]) -> None:
    start, gradients = draw("float32", 2, SIZE, seed=3)
    buffer = gradients[0].copy()
    updater = make_optimizer(name, keys).scratch(start, buffer)
    updater.update(0.05)
    before = updater.state()
    updater.update(0.05)
    updater.load({key: value.copy() for key, value in updater.state().items()})
    assert all(updater.state()[key] is value for key, value in before.items())


MOVING = [(name, keys) for name, keys in OPTIMIZERS if make_optimizer(name, keys).initial_momentum() is not None]


@pytest.mark.parametrize(("name", "keys"), MOVING, ids=[f"{n}-{k}" for n, k in MOVING])
def test_a_schedule_may_move_the_momentum(name: str, keys: Mapping[str, Any]) -> None:
    """Also where there is none configured; it is what one_cycle moves in torch."""
    start, gradients = draw("float64", 20, SIZE, seed=6)
    optimizer = make_optimizer(name, keys)
    twin, parameters, buffer = ByTorch(optimizer, start, 0.05), start.copy(), np.empty_like(start)
    group = twin.optimizer.param_groups[0]
    first = group["betas"][0] if "betas" in group else group["momentum"]
    assert optimizer.initial_momentum() == first
    updater, mine, theirs = optimizer.scratch(parameters, buffer), [], []
    for k, gradient in enumerate(gradients):
        moved = 0.95 - 0.01 * k
        group.update({"betas": (moved, group["betas"][1])} if "betas" in group else {"momentum": moved})
        buffer[...] = gradient
        updater.update(0.05 / (k + 1), moved)
        group["lr"] = 0.05 / (k + 1)
        twin.step(gradient)
        mine.append(Point(parameters.copy(), {key: value.copy() for key, value in updater.state().items()}))
        theirs.append(twin.point)
    assert_agree(mine, theirs, start, "float64")


def test_what_has_neither_momentum_nor_betas_says_so() -> None:
    for name in CATALOG.names("optimizer"):
        optimizer = make_optimizer(name, {})
        defaults = ByTorch(optimizer, np.ones(1), 0.05).optimizer.defaults
        assert (optimizer.initial_momentum() is None) == (not {"momentum", "betas"} & set(defaults)), name
