"""What every schedule in conf/schedule must satisfy; a new one joins by existing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from runner.errors import ConfigError
from runner.schedules.base import PER
from tests.helpers import CATALOG, same_bits
from tests.optimizers.helpers import make_optimizer
from tests.schedules.helpers import LR, assert_agree, go_on, losses, make_schedule, make_twin

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "step": [{"step_size": 1}, {"step_size": 4, "gamma": 0.5}],
    "exponential": [{"gamma": 1.0}, {"gamma": 0.0}],
    "cosine": [{"t_max": 1}, {"t_max": 7, "eta_min": 0.01}, {"t_max": 100}, {"eta_min": 0.2}],
    "one_cycle": [
        {"anneal_strategy": "linear"},
        {"three_phase": True},
        {"three_phase": True, "anneal_strategy": "linear", "pct_start": 0.4},
        {"cycle_momentum": False, "max_lr": 0.7, "total_steps": 300},
        {"pct_start": 0.0, "div_factor": 2.0, "final_div_factor": 3.0},
        {"base_momentum": 0.0, "max_momentum": 0.5},
    ],
    "warm_up": [
        {"total_iters": 0},
        {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 9},
        {"start_factor": 0.001, "total_iters": 40},
    ],
    "plateau": [
        {"patience": 0},
        {"patience": 1, "factor": 0.5, "threshold": 0.1},
        {"patience": 0, "factor": 0.5, "threshold": 0.3, "threshold_mode": "abs", "cooldown": 2},
        {"patience": 1, "mode": "max", "threshold": 0.1, "factor": 0.7},
        {"patience": 0, "mode": "max", "threshold": 0.3, "threshold_mode": "abs", "factor": 0.9, "min_lr": 0.02},
        {"patience": 0, "eps": 0.01, "factor": 0.5},
    ],
}

SCHEDULES = [(name, keys) for name in CATALOG.names("schedule") for keys in [{}, *VARIANTS.get(name, [])]]

every_schedule = pytest.mark.parametrize(("name", "keys"), SCHEDULES, ids=[f"{n}-{k}" for n, k in SCHEDULES])


def test_every_schedule_is_there_and_none_that_is_not_is_tried() -> None:
    names = {"constant", "step", "exponential", "cosine", "one_cycle", "warm_up", "plateau"}
    assert names <= set(CATALOG.names("schedule"))
    assert set(VARIANTS) <= set(CATALOG.names("schedule"))


def test_only_one_cycle_moves_at_every_step_unless_told_otherwise() -> None:
    per = {name: make_schedule(name, {}).per for name in CATALOG.names("schedule")}
    assert {name for name, of in per.items() if of == "step"} == {"one_cycle"}
    for name in per:
        with pytest.raises(
            ConfigError, match=r"schedule\.per: got 'epochs'; allowed: step, epoch \(did you mean epoch"
        ):
            make_schedule(name, {"per": "epochs"})


@every_schedule
@pytest.mark.parametrize("per", PER)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_whole_run_equals_torchs(name: str, keys: Mapping[str, Any], per: str, optimizer: str) -> None:
    """Advanced after each of 60 steps, or after each of the 12 epochs of 5 steps that they make."""
    schedule = make_schedule(name, {**keys, "per": per})
    total, of = 60 if per == "step" else 12, make_optimizer(optimizer, {})
    schedule.fits(of, total)
    rates, twin = schedule.scratch(LR, of.initial_momentum(), total), make_twin(schedule, of, total)
    assert_agree(rates, twin.state(), 0, LR)
    for k, loss in enumerate(losses(total)):
        rates.advance(loss)
        twin.advance(loss)
        assert_agree(rates, twin.state(), k + 1, LR)


@every_schedule
def test_it_goes_on_from_torchs_state_and_begins_anew(name: str, keys: Mapping[str, Any]) -> None:
    schedule, of, total = make_schedule(name, keys), make_optimizer("sgd", {}), 30
    rates, twin = schedule.scratch(LR, of.initial_momentum(), total), make_twin(schedule, of, total)
    first = rates.state()
    for loss in losses(total):
        rates.advance(loss)
        twin.advance(loss)
        rates.load({key: np.array(float(value)) for key, value in twin.state().items()})
        assert_agree(rates, twin.state(), 0, LR)
    rates.load({})
    assert_same(rates.state(), first)
    with pytest.raises(KeyError):
        rates.load({"gamma": np.array(1.0)})
    for stop in (3, 11):
        mine = schedule.scratch(LR, of.initial_momentum(), total)
        go_on(mine, losses(total)[:stop])
        given = mine.state()
        other = schedule.scratch(LR, of.initial_momentum(), total)
        other.load(given)
        go_on(mine, losses(total)[stop:])
        assert all(value is not given[key] for key, value in other.state().items())
        go_on(other, losses(total)[stop:])
        assert_same(mine.state(), other.state())


def assert_same(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> None:
    assert set(found) == set(wanted)
    assert all(same_bits(value, wanted[key]) for key, value in found.items())


def test_a_cosine_ends_at_eta_min_after_the_whole_run() -> None:
    rates = make_schedule("cosine", {"eta_min": 0.01}).scratch(1.0, None, 10)
    go_on(rates, losses(5))
    assert rates.lr == pytest.approx(0.505)
    go_on(rates, losses(5))
    assert rates.lr == pytest.approx(0.01)


def test_a_plateau_waits_and_falls() -> None:
    rates, lrs = make_schedule("plateau", {"patience": 1, "cooldown": 2}).scratch(1.0, None, 8), []
    for loss in [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]:
        rates.advance(loss)
        lrs.append(rates.lr)
    assert lrs == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("step", {"step_size": 0}, "step_size"),
    ("step", {"gamma": -0.1}, "gamma"),
    ("exponential", {"gamma": float("nan")}, "gamma"),
    ("cosine", {"t_max": 0}, "t_max"),
    ("cosine", {"eta_min": -1.0}, "eta_min"),
    ("warm_up", {"start_factor": 0.0}, "start_factor"),
    ("warm_up", {"end_factor": 1.1}, "end_factor"),
    ("warm_up", {"total_iters": -1}, "total_iters"),
    ("plateau", {"mode": "lowest"}, "mode"),
    ("plateau", {"threshold_mode": "relative"}, "threshold_mode"),
    ("plateau", {"factor": 1.0}, "factor"),
    ("plateau", {"patience": -1}, "patience"),
    ("plateau", {"cooldown": -1}, "cooldown"),
    ("plateau", {"min_lr": -1.0}, "min_lr"),
    ("one_cycle", {"max_lr": -1.0}, "max_lr"),
    ("one_cycle", {"total_steps": 0}, "total_steps"),
    ("one_cycle", {"pct_start": 1.5}, "pct_start"),
    ("one_cycle", {"anneal_strategy": "cosine"}, "anneal_strategy"),
    ("one_cycle", {"base_momentum": 1.0}, "base_momentum"),
    ("one_cycle", {"max_momentum": -0.1}, "max_momentum"),
    ("one_cycle", {"div_factor": 0.0}, "div_factor"),
    ("one_cycle", {"final_div_factor": float("inf")}, "final_div_factor"),
]


@pytest.mark.parametrize(("name", "keys", "key"), REFUSED, ids=[f"{n}-{k}" for n, k, _ in REFUSED])
def test_a_value_out_of_range_is_refused_by_its_key(name: str, keys: Mapping[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_schedule(name, keys)
    assert refused.value.key == f"schedule.{key}"
