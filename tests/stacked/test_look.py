"""The first look at many replicas is that of each: sigma, roundings, deviations, and whom it does not acquit."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pytest

from runner.arrays import DTYPES, Array
from runner.comparison.constants import UNIT_ROUNDOFF
from runner.comparison.deviation import deviation
from runner.comparison.looks import measured
from runner.comparison.results import Comparison, worst_judged, worst_unjudged
from runner.comparison.rounding import two_precisions
from runner.comparison.tensors import Layout, layout_of
from runner.network import build_network
from runner.stacked.judging import Found
from runner.stacked.look import look, unjudged
from runner.stacked.looked import Detail, Looked, Pair, nothing_found
from runner.stacked.tally import Tally
from tests.layers.helpers import make_layer

REPLICAS = 7


@cache
def layout() -> Layout:
    """Of a network with matrices, vectors, single numbers and a tensor of four axes."""
    layers = [("conv2d", {"out_channels": 3, "kernel_size": 2}), ("flatten", {}), ("linear", {"out": 2})]
    network = build_network([(f"layer_{i}", make_layer(*layer)) for i, layer in enumerate(layers)], (2, 4, 4))
    return layout_of(network, 1)


def drawn(seed: int) -> tuple[Pair, list[tuple[Array, Array]]]:
    """A right run in float32, one tensor of it 0 in one replica, another tensor exact in all."""
    rng, places = np.random.default_rng(seed), layout().slices()
    shape = (REPLICAS, layout().size)
    reference = rng.standard_normal(shape) * np.exp(rng.normal(0, 3, shape))
    names = list(places)[2:]
    reference[3, places[names[0]]] = 0
    high = reference * (1 + 2.0**-53 * rng.integers(-3, 4, shape))
    run, run_reference = (side * (1 + 2.0**-24 * rng.normal(0, 2, shape)) for side in (high, reference))
    run[:, places[names[1]]] = high[:, places[names[1]]]
    return Pair(run, run_reference, high, reference), [(run_reference.copy(), reference), (run.copy(), high.copy())]


def by_tensor(values: Array) -> list[float]:
    return [float(values[place].max()) for place in layout().slices().values()]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_of_each_is_what_is_found_of_one_run(seed: int) -> None:
    pair, sides = drawn(seed)
    found = look(layout(), pair, sides, DTYPES["float32"], Detail.ELEMENTS)
    for k in range(REPLICAS):
        sigma = two_precisions(layout(), [(low[k], high[k]) for low, high in sides])
        assert sigma is not None
        precision = measured(1, pair.run[k], pair.reference[k], sigma, "float32")
        narrow = sigma * (UNIT_ROUNDOFF["float64"] / UNIT_ROUNDOFF["float32"])
        narrow[np.abs(pair.reference[k]) < 2.0**-126] = 0
        logic = measured(1, pair.high[k], pair.reference[k], narrow, "float64")
        own = Comparison(
            *("scratch", "torch", layout(), "agree"),
            deviation=deviation(layout(), pair.run[k], pair.run_reference[k]),
            precision=worst_judged(layout(), precision),
            precision_look=1,
            logic=worst_judged(layout(), logic),
            logic_look=1,
            logic_deviation=deviation(layout(), pair.high[k], pair.reference[k]),
            error=np.array(by_tensor(np.abs(pair.run[k] - pair.high[k]))),
            reference_error=np.array(by_tensor(np.abs(pair.run_reference[k] - pair.reference[k]))),
            elements=(logic.roundings, precision.roundings),
        )
        assert_same(found.comparison(k, ("scratch", "torch"), layout(), judged=True), own, f"seed {seed}")


def test_of_a_step_that_is_not_judged_the_largest_deviation_is_known() -> None:
    pair, _ = drawn(0)
    found = unjudged(layout(), pair.run, pair.run_reference)
    for k in range(REPLICAS):
        u, g = pair.run[k], pair.run_reference[k]
        worst = worst_unjudged(layout(), u, g, np.abs(u - g))
        own = Comparison("scratch", "torch", layout(), None, deviation(layout(), u, g), worst)
        assert_same(found.comparison(k, ("scratch", "torch"), layout(), judged=False), own, f"replica {k}")


def assert_same(found: Any, own: Any, told: str) -> None:
    """Every field, and every number in it to within rounding in float64."""
    if dataclasses.is_dataclass(own):
        for field in dataclasses.fields(own):
            assert_same(getattr(found, field.name), getattr(own, field.name), f"{told} {field.name}")
    elif isinstance(own, tuple):
        for mine, theirs in zip(found, own, strict=True):
            assert_same(mine, theirs, told)
    elif isinstance(own, np.ndarray):
        np.testing.assert_allclose(found, own, rtol=1e-9, err_msg=told)
    else:
        assert found == own, told


def test_a_wrong_a_lost_and_a_missing_number_are_not_acquitted() -> None:
    pair, sides = drawn(0)
    begin, end = layout().starts[4:6]
    at = begin + np.abs(pair.reference[:, begin:end]).argmax(axis=1)
    assert look(layout(), pair, sides, DTYPES["float32"]).agrees[[0, 1, 2]].all()
    pair.high[0, at[0]] *= 1 + 1e-9
    pair.run[1, at[1]] *= 1.001
    pair.run[2, at[2]] = np.nan
    assert not look(layout(), pair, sides, DTYPES["float32"]).agrees[[0, 1, 2]].any()


def test_in_float64_the_twin_has_to_give_what_the_run_gave() -> None:
    pair, sides = drawn(0)
    same = dataclasses.replace(pair, run=pair.high.copy(), run_reference=pair.reference.copy())
    assert look(layout(), same, sides, DTYPES["float64"]).agrees[0]
    same.run[0, int(layout().starts[4])] *= 1.001
    assert not look(layout(), same, sides, DTYPES["float64"]).agrees[0]


def test_what_the_look_saw_counts_only_where_nobody_was_judged_alone() -> None:
    def saw(roundings: float) -> Looked:
        nothing = nothing_found(3, layout())
        worst = dataclasses.replace(nothing.precision, roundings=np.full((3, len(layout().names)), roundings))
        return dataclasses.replace(nothing, precision=worst, agrees=np.ones(3, bool))

    tally, wanted = Tally(3, "layers"), np.array([True, True, False])
    tally.add(0, Found(layout(), {"scratch": saw(5.0)}, {}, wanted, judged=True))
    tally.add(1, Found(layout(), {"scratch": saw(20.0)}, {1: []}, wanted, judged=True))
    verdicts = tally.verdicts()
    assert [verdict.worst("roundings") for verdict in verdicts[:2]] == [20.0, 5.0]
    assert verdicts[2].tensors == {}
    assert [verdict.judged_steps for verdict in verdicts] == [2, 1, 0]
