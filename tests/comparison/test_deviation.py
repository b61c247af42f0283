"""Deviations, element by element."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runner.arrays import Array
from runner.comparison.deviation import deviation
from runner.comparison.tensors import BLOCK, Layout, layout_of
from tests.helpers import make_setup

BATCH = 3


@pytest.fixture(scope="module")
def layout() -> Layout:
    return layout_of(make_setup("architecture.hidden=[4,4]").problem.network, BATCH)


def plain(u: list[float], g: list[float]) -> tuple[float, float, float]:
    """The three measures of one tensor, one element after the other."""
    largest, relative, squares = 0.0, 0.0, 0.0
    for a, b in zip(u, g, strict=True):
        d = abs(a - b)
        largest = max(largest, d)
        relative = max(relative, 0.0 if d == 0 else d / max(abs(a), abs(b)))
        squares += d * d
    return largest, relative, math.sqrt(squares / len(u))


@pytest.mark.parametrize("scale", [1.0, 1e-170, 1e170])
@pytest.mark.parametrize("seed", range(10))
def test_the_measures_equal_a_plain_recomputation(layout: Layout, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    g = scale * rng.standard_normal(layout.size) * 10.0 ** rng.integers(-9, 9, layout.size)
    u = np.where(rng.random(layout.size) < 0.3, g, g * (1 + 1e-6 * rng.standard_normal(layout.size)))
    found = deviation(layout, u, g)
    for i, place in enumerate(layout.slices().values()):
        largest, relative, rms = plain((u[place] / scale).tolist(), (g[place] / scale).tolist())
        got = (found.max_abs[i], found.max_rel[i], found.rms[i])
        assert got == pytest.approx((scale * largest, relative, scale * rms), rel=1e-8, abs=0), (
            f"seed {seed}, tensor {i}"
        )


def test_tensors_longer_and_shorter_than_a_block_are_measured_alike() -> None:
    layout = layout_of(make_setup("architecture.hidden=[120,150,130]").problem.network, BATCH)
    assert layout.size > 2 * BLOCK
    rng = np.random.default_rng(11)
    g = rng.standard_normal(layout.size)
    u = g + 1e-6 * rng.standard_normal(layout.size)
    found, largest = deviation(layout, u, g), layout.largest(lambda part: np.abs(u[part]))
    for i, place in enumerate(layout.slices().values()):
        d = np.abs(u - g)[place]
        relative = (d / np.maximum(np.abs(u), np.abs(g))[place]).max()
        assert (found.max_abs[i], found.max_rel[i]) == (d.max(), relative), layout.names[i]
        assert found.rms[i] == pytest.approx(np.sqrt(np.mean(d**2)), rel=1e-12)
        assert largest[i] == np.abs(u[place]).max()


def spot(layout: Layout, name: str) -> tuple[int, slice]:
    return layout.names.index(name), layout.slices()[name]


def test_a_transposed_tensor_deviates_although_its_sum_is_the_same(layout: Layout) -> None:
    i, place = spot(layout, "hidden_layer_1.weight")
    g = np.random.default_rng(0).standard_normal(layout.size)
    u = g.copy()
    u[place] = g[place].reshape(4, 4).T.ravel()
    found = deviation(layout, u, g)
    assert u.sum() == pytest.approx(g.sum())
    assert min(found.max_abs[i], found.max_rel[i], found.rms[i]) > 0.1
    assert np.count_nonzero(found.max_abs) == 1


def test_zero_against_zero_deviates_by_nothing_and_zero_against_something_by_all_of_it(layout: Layout) -> None:
    i, place = spot(layout, "input_layer.bias")
    g, u = np.zeros(layout.size), np.zeros(layout.size)
    u[place.start] = -1e-300
    found = deviation(layout, u, g)
    assert (found.max_abs[i], found.max_rel[i]) == (1e-300, 1.0)
    assert found.rms[i] == pytest.approx(1e-300 / math.sqrt(4))
    others: Array = np.delete(np.array([found.max_abs, found.max_rel, found.rms]), i, axis=1)
    assert not others.any()


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_squares_neither_overflow_nor_vanish(layout: Layout, size: float) -> None:
    found = deviation(layout, np.full(layout.size, size), np.zeros(layout.size))
    np.testing.assert_allclose(found.rms, size, rtol=1e-12)


def test_equal_infinities_and_nan_give_nan_or_infinity_and_no_error(layout: Layout) -> None:
    g = np.ones(layout.size)
    u = g.copy()
    u[0], u[1] = np.nan, np.inf
    found = deviation(layout, u, g)
    assert np.isnan(found.max_abs[0])
    assert found.max_abs[1] == np.inf


def test_the_layout_names_every_tensor_and_orders_them_as_they_are_computed(layout: Layout) -> None:
    names = [
        f"{layer}.{kind}"
        for layer in ("input_layer", "hidden_layer_1", "hidden_layer_2")
        for kind in ("weight", "bias")
    ]
    assert layout.names == ("loss", "prediction", *names)
    assert layout.shapes[:3] == ((), (BATCH, 1), (4, 2))
    assert layout.order[:4] == ("prediction", "loss", "hidden_layer_2.weight", "hidden_layer_2.bias")
    assert set(layout.order) == set(layout.names)
    assert sum(place.stop - place.start for place in layout.slices().values()) == layout.size
    assert layout.gradients == slice(1 + BATCH, layout.size)
