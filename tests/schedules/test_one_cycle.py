"""What one_cycle moves, and the runs that it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from runner.errors import ConfigError
from tests.optimizers.helpers import make_optimizer
from tests.schedules.helpers import LR, assert_agree, make_schedule, make_twin, run


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw", "nadam", "radam"])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_one_cycle_moves_the_momentum_of_every_optimizer_that_has_one(name: str, strategy: str) -> None:
    schedule, of, total = make_schedule("one_cycle", {"anneal_strategy": strategy}), make_optimizer(name, {}), 40
    schedule.fits(of, total)
    twin = make_twin(schedule, of, total)
    (theirs,) = twin.group["params"]
    mine, gradients = np.ones(3), np.empty(3)
    updater, rates = of.scratch(mine, gradients), schedule.scratch(LR, of.initial_momentum(), total)
    rng = np.random.default_rng(0)
    for _ in range(total):
        gradients[...] = rng.standard_normal(3)
        theirs.grad = torch.from_numpy(gradients.copy())
        updater.update(rates.lr, rates.momentum)
        rates.advance(0.0)
        twin.advance(0.0)
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ["adagrad", "adadelta"])
def test_one_cycle_refuses_an_optimizer_without_momentum_as_torch_does(name: str) -> None:
    of = make_optimizer(name, {})
    with pytest.raises(ConfigError, match=r"cycle_momentum: got true with Ada\w+, .*; allowed: false"):
        make_schedule("one_cycle", {}).fits(of, 10)
    with pytest.raises(ValueError, match="momentum"):
        make_twin(make_schedule("one_cycle", {}), of, 10)
    still = make_schedule("one_cycle", {"cycle_momentum": False})
    still.fits(of, 10)
    make_twin(still, of, 10)


def test_one_cycle_refuses_a_run_of_more_advances_than_it_has() -> None:
    short, of = make_schedule("one_cycle", {"total_steps": 20}), make_optimizer("sgd", {})
    short.fits(of, 20)
    with pytest.raises(ConfigError, match="total_steps: got 20; allowed: null, or a whole number from 21"):
        short.fits(of, 21)
    twin = make_twin(short, of, 21)
    run(twin, 20)
    with pytest.raises(ValueError, match="total steps"):
        twin.advance(0.0)


@pytest.mark.parametrize(
    ("keys", "total"),
    [({"pct_start": 0.25}, 4), ({"pct_start": 1.0}, 7), ({"pct_start": 0.75, "three_phase": True}, 2)],
)
def test_one_cycle_refuses_a_phase_of_no_length_where_torch_divides_by_zero(keys: dict[str, Any], total: int) -> None:
    schedule, of = make_schedule("one_cycle", keys), make_optimizer("sgd", {})
    with pytest.raises(ConfigError, match=r"pct_start: got .*, which leaves no step to one phase"):
        schedule.fits(of, total)
    with pytest.raises(ZeroDivisionError):
        run(make_twin(schedule, of, total), total)


@pytest.mark.parametrize("total", [1, 2, 3, 5, 7, 10, 100])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
def test_what_one_cycle_takes_it_goes_through_and_torch_does_too(
    total: int, three_phase: bool, pct_start: float
) -> None:
    schedule = make_schedule("one_cycle", {"pct_start": pct_start, "three_phase": three_phase})
    of = make_optimizer("adam", {})
    try:
        schedule.fits(of, total)
    except ConfigError:
        with pytest.raises(ZeroDivisionError):
            run(make_twin(schedule, of, total), total)
        return
    rates, twin = schedule.scratch(LR, 0.9, total), make_twin(schedule, of, total)
    for k in range(total):
        rates.advance(0.0)
        twin.advance(0.0)
        assert_agree(rates, twin.state(), k + 1, LR)


def test_one_cycle_begins_low_peaks_at_the_learning_rate_and_ends_lower() -> None:
    rates, path = make_schedule("one_cycle", {}).scratch(1.0, 0.9, 100), []
    for _ in range(100):
        path.append((rates.lr, rates.momentum))
        rates.advance(0.0)
    lrs, momenta = zip(*path, strict=True)
    assert lrs[0] == pytest.approx(1 / 25)
    assert (max(lrs), int(np.argmax(lrs))) == (pytest.approx(1.0), 29)
    assert lrs[99] == pytest.approx(1 / 25 / 1e4)
    assert (momenta[0], momenta[29], momenta[99]) == (pytest.approx(0.95), pytest.approx(0.85), pytest.approx(0.95))
