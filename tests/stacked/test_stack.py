"""A stack of runs is what its runs are alone: data, parameters, losses, verdicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from runner.assemble import Setup
from runner.backends.base import BackendChoice
from runner.data.base import Stream, generator
from runner.errors import ConfigError
from runner.stacked.stack import check_stacks, stack_of, stacked
from tests.faults.base import Altered
from tests.faults.loss import MissingFactor
from tests.faults.update import AdamUncorrected, Ascent
from tests.helpers import CATALOG, configuration, make_setup, same_bits, with_parameters
from tests.stacked.helpers import AlwaysTraining, Wrong, assert_same, both, setups_of

SHORT = "data.samples=6"
DEEP = "architecture.layers=[{layer: linear, out: 4}, {layer: %s}, {layer: dropout, p: 0.5}, {layer: linear, out: 1}]"

RIGHT = {
    "default": (SHORT,),
    "batch": ("data.samples=25", "batch_size=10", "loss=mse"),
    "float64": (SHORT, "dtype=float64"),
    "float16": ("data.samples=2", "dtype=float16"),
    "adam": (SHORT, "optimizer=adam", "lr=0.01"),
    "momentum, clipped, scheduled": (
        SHORT,
        "optimizer.momentum=0.9",
        "clip=norm",
        "clip.max_norm=0.1",
        "schedule=cosine",
    ),
    "per epoch": (SHORT, "epochs=2", "batch_size=2", "schedule=step", "schedule.per=epoch", "schedule.step_size=1"),
    "relu": (SHORT, "batch_size=3", "architecture.activation=relu", "loss=huber"),
    "dropout": ("data.samples=10", "batch_size=4", "data.held_out=0.4", DEEP % "tanh"),
    "batch_norm": ("data.samples=15", "batch_size=4", "data.held_out=0.2", DEEP % "batch_norm1d"),
    "classes": (
        "data=two_moons",
        "data.samples=12",
        "target=given",
        "loss=cross_entropy",
        "architecture.out=2",
        "batch_size=4",
    ),
    "one by one": (SHORT, "loss=bce", "architecture.layers=[{layer: linear, out: 1}, {layer: sigmoid}]"),
    "not every step": ("data.samples=9", "record.every=2", "verdict.every=2"),
    "same backends": (SHORT, "backend=[torch]", "+backend.other={use: torch}"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_each_replica_is_what_its_run_is_alone(name: str) -> None:
    assert_same(*both(setups_of(*RIGHT[name])))


@pytest.mark.parametrize(
    "overrides",
    [
        ("dtype=float64",),
        ("optimizer=adam", "schedule=one_cycle"),
        ("optimizer.momentum=0.9", "clip=norm", "clip.max_norm=0.1", "schedule=cosine", "init=orthogonal"),
        ("batch_size=3", "epochs=2", "schedule=step", "schedule.per=epoch", "schedule.step_size=1"),
    ],
)
def test_each_replica_has_its_learning_rate(overrides: tuple[str, ...]) -> None:
    assert_same(*both(with_rates((SHORT, *overrides))))


def test_a_replica_that_is_judged_alone_is_judged_with_its_learning_rate() -> None:
    stack, alone = both(with_rates(("data.samples=3",), Wrong(fault=Ascent())))
    assert [verdict.verdict for verdict in stack.verdicts] == ["mismatch"] * 3
    assert_same(stack, alone)


def with_rates(overrides: tuple[str, ...], wrong: BackendChoice | None = None) -> list[Setup]:
    """Three runs, the last with another learning rate."""
    setups = setups_of(*overrides, wrong=wrong)
    return [*setups[:2], dataclasses.replace(setups[2], problem=dataclasses.replace(setups[2].problem, lr=0.3))]


def test_where_the_arithmetic_is_the_same_so_are_the_bits() -> None:
    """Of single numbers no kernel adds up more than two, so none has a choice of order."""
    setups = setups_of("data.features=1", "architecture.hidden=[1]", "data.samples=4", "target=sine")
    stack, alone = both(setups)
    for k, own in enumerate(alone):
        for name, value in own.final.items():
            assert same_bits(stack.final[name][k], value), name


@pytest.mark.parametrize(
    ("fault", "overrides"),
    [
        (MissingFactor(), ("data.samples=3",)),
        (Ascent(), ("data.samples=3",)),
        (AdamUncorrected(), ("data.samples=3", "optimizer=adam")),
    ],
)
def test_a_wrong_backend_is_found_in_each_replica_with_its_cause(fault: Altered, overrides: tuple[str, ...]) -> None:
    stack, alone = both(setups_of(*overrides, replicas=2, wrong=Wrong(fault=fault)))
    assert [verdict.verdict for verdict in stack.verdicts] == ["mismatch"] * 2
    assert_same(stack, alone)


def test_what_is_wrong_in_evaluation_alone_is_found_at_the_end() -> None:
    layers = "architecture.layers=[{layer: linear, out: 3}, {layer: batch_norm1d}, {layer: linear, out: 1}]"
    overrides = ("data.samples=8", "batch_size=3", "data.held_out=0.25", layers)
    stack, alone = both(setups_of(*overrides, replicas=2, wrong=AlwaysTraining()))
    firsts = [verdict.first for verdict in stack.verdicts]
    assert all(first is not None and first.step == 2 and "in evaluation mode" in first.finding for first in firsts)
    assert_same(stack, alone)


def test_a_replica_that_diverges_ends_and_leaves_the_others_as_they_are() -> None:
    setups = setups_of(SHORT, "architecture.activation=relu")
    huge = {name: np.full(p.shape, 1e15) for name, p in setups[1].initial.parameters.items()}
    setups[1] = with_parameters(setups[1], huge)
    stack, alone = both(setups)
    assert [verdict.verdict for verdict in stack.verdicts] == ["agree", "diverged", "agree"]
    assert_same(stack, alone)


def test_a_replica_that_float32_cannot_hold_has_the_second_look_that_its_own_run_has() -> None:
    setups = setups_of("data.samples=1", "dtype=float64")
    last = setups[2].initial.parameters["hidden_layer_2.weight"]
    setups[2] = with_parameters(setups[2], {"hidden_layer_2.weight": 1e25 * last})
    stack, alone = both(setups)
    assert [own.verdict.second_looks for own in alone] == [0, 0, 1]
    assert [verdict.second_looks for verdict in stack.verdicts] == [0, 0, 1]
    assert_same(stack, alone)


def test_the_stack_of_a_configuration_has_the_bits_of_each_seeds_own_run() -> None:
    overrides = ("seed=5", "data.held_out=0.2", "target=teacher", "target.noise=0.1", "init=orthogonal")
    stack = stack_of(configuration(*overrides, "replicas=3"), CATALOG)
    assert list(stack.seeds) == [5, 6, 7]
    for k, seed in enumerate(stack.seeds):
        own = make_setup(*overrides, f"seed={seed}")
        assert same_bits(stack.x[k], own.x)
        assert same_bits(stack.y[k], own.y)
        assert stack.held_out is not None
        assert own.held_out is not None
        assert same_bits(stack.held_out.x[k], own.held_out.x)
        assert same_bits(stack.held_out.y[k], own.held_out.y)
        for name, value in own.initial.parameters.items():
            assert same_bits(stack.initial.parameters[name][k], value), name


def test_every_seed_is_stacked_with_every_learning_rate() -> None:
    stack = stack_of(configuration("seed=5", "lrs=[0.1,0.01]", "replicas=2"), CATALOG)
    assert (stack.seeds, stack.rates) == ((5, 6, 5, 6), (0.1, 0.1, 0.01, 0.01))
    assert same_bits(stack.x[:2], stack.x[2:])
    one = stack_of(configuration("lrs=[0.1]"), CATALOG)
    assert (one.seeds, one.rates, one.problem.lr, one.problem.rates) == ((1,), (0.1,), 0.1, ())


def test_masks_are_those_of_each_seeds_own_run() -> None:
    setups = setups_of("data.samples=5", "batch_size=2", DEEP % "tanh")
    stack = stacked(setups)
    rngs = [generator(setup.seed, Stream.MASKS) for setup in setups]
    for drawn, batch in zip(stack.draws(), (2, 2, 1), strict=True):
        for k, rng in enumerate(rngs):
            for name, mask in setups[k].problem.network.draw(rng, batch).items():
                assert same_bits(drawn[name][k], mask)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("lockstep=false", "lockstep"),
        ("schedule=plateau", "schedule"),
        ("backend=[missing_factor,torch]", "backend.missing_factor"),
    ],
)
def test_what_cannot_be_stacked_is_named(override: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_stacks(make_setup(override))
    assert caught.value.key == key


def test_seeds_whose_data_have_different_shapes_are_refused() -> None:
    config = configuration("replicas=2") | {"data": {"_target_": "tests.stacked.helpers:Growing", "held_out": 0.0}}
    with pytest.raises(ConfigError, match=r"data: got an array \(3, 2\) with seed 2; allowed: \(2, 2\)"):
        stack_of(config, CATALOG)


def test_the_seeds_are_numbers_that_a_table_can_hold() -> None:
    largest = 2**63 - 2
    assert stack_of(configuration("replicas=2", f"seed={largest}"), CATALOG).seeds == (largest, largest + 1)
    with pytest.raises(ConfigError, match=f"seed: got {largest + 1}; allowed: at most {largest}, with replicas=2"):
        stack_of(configuration("replicas=2", f"seed={largest + 1}"), CATALOG)


def test_a_part_of_the_users_own_is_refused() -> None:
    setup = make_setup()

    class Own(type(setup.problem.optimizer)):  # type: ignore[misc]
        pass

    own = Own(**dataclasses.asdict(setup.problem.optimizer))
    with pytest.raises(ConfigError, match="Own"):
        check_stacks(dataclasses.replace(setup, problem=dataclasses.replace(setup.problem, optimizer=own)))
