"""What every loss in conf/loss must satisfy; a new one joins by a line in VARIANTS."""

from __future__ import annotations

import sys
from types import FrameType

import numpy as np
import pytest

from runner.arrays import DTYPES, Array, Shape, eps
from runner.comparison.constants import LIMIT, NOISE, NOISY_RUNS, UNIT_ROUNDOFF
from runner.comparison.rounding import noise, rms
from runner.losses.classes import OfClasses
from tests.helpers import CATALOG, in_roundings, same_bits
from tests.losses.helpers import VARIANTS, Variant, by_autograd, by_hand

every_loss = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def test_every_loss_of_the_folder_is_tried() -> None:
    assert {variant.name for variant in VARIANTS} == set(CATALOG.names("loss"))


@every_loss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("seed", range(6))
def test_loss_and_gradient_equal_autograd_within_rounding(
    variant: Variant, dtype: str, batch: int | None, seed: int
) -> None:
    loss, (p, y) = variant.loss(), variant.draw(seed, dtype, batch)
    mine, plain, theirs = by_hand(loss, p, y, dtype), by_hand(loss, p, y, "float64"), by_autograd(loss, p, y)
    shaken = []
    for k in range(1, NOISY_RUNS + 1):
        with noise(NOISE * UNIT_ROUNDOFF[dtype], k):
            shaken.append(by_hand(loss, p, y, "float64", noisy=True))
    for i, tensor in enumerate(("loss", "gradient")):
        where = f"{tensor}, seed {seed}"
        assert mine[i].dtype == dtype, where
        assert mine[i].shape == theirs[i].shape, where
        sigma = rms(np.array([run[i] - plain[i] for run in shaken]))
        roundings = in_roundings(mine[i].astype(np.float64), theirs[i], sigma, dtype)
        assert roundings.max() <= LIMIT, where
        assert sigma.max() < 1e-4 * max(1.0, np.abs(theirs[i]).max()), f"a unit that excuses all: {where}"


@every_loss
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("seed", range(3))
def test_in_16_bits_the_results_are_rounded_once(variant: Variant, dtype: str, seed: int) -> None:
    loss, (p, y) = variant.loss(), variant.draw(seed, dtype)
    for found, exact in zip(by_hand(loss, p, y, dtype), by_hand(loss, p, y, "float64"), strict=True):
        assert found.dtype == DTYPES[dtype]
        np.testing.assert_allclose(found.astype(np.float64), exact, rtol=1.5 * eps(DTYPES[dtype]), atol=1e-4)


@every_loss
@pytest.mark.parametrize("replicas", [(3,), (2, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_each_replica_has_its_own_loss(variant: Variant, replicas: Shape, seed: int) -> None:
    loss, (p, y) = variant.loss(), variant.draw(seed, "float64", replicas=replicas)
    values, gradients = by_hand(loss, p, y, "float64", replicas=len(replicas))
    assert values.shape == replicas
    for at in np.ndindex(*replicas):
        value, gradient = by_hand(loss, p[at], y[at], "float64")
        np.testing.assert_allclose(values[at], value, rtol=1e-13)
        np.testing.assert_allclose(gradients[at], gradient, rtol=1e-13)


@every_loss
def test_the_loss_leaves_its_arguments_alone_and_repeats_itself(variant: Variant) -> None:
    loss, (p, y) = variant.loss(), variant.draw(9, "float64", 4)
    made, before = loss.scratch(p.shape, np.empty), (p.copy(), y.copy())
    runs = []
    for _ in range(2):
        value = np.array(made.forward(p, y))
        runs.append((value, np.array(made.backward())))
    assert same_bits(runs[0][0], runs[1][0])
    assert same_bits(runs[0][1], runs[1][1])
    assert same_bits(p, before[0])
    assert same_bits(y, before[1])


@every_loss
@pytest.mark.parametrize("seed", range(4))
def test_noise_reaches_the_loss_and_its_gradient(variant: Variant, seed: int) -> None:
    loss, (p, y) = variant.loss(), variant.draw(seed, "float64", 3)
    shaken = []
    for k in range(1, 25):
        with noise(1e-9, k):
            shaken.append(by_hand(loss, p, y, "float64", noisy=True))
    for i, plain in enumerate(by_hand(loss, p, y, "float64")):
        values = np.array([run[i] for run in shaken])
        assert (values.max(axis=0) > values.min(axis=0))[plain != 0].all(), f"seed {seed}: noise is lost"
        np.testing.assert_allclose(values[0], plain, rtol=1e-6, atol=1e-8)


@every_loss
def test_ties_and_zeros_can_fall_on_either_side(variant: Variant) -> None:
    loss, (p, y) = variant.loss(), variant.draw(0, "float64", 3)
    y = y if y.dtype.kind == "i" else p.copy()
    for near_zero, ties in ((True, 0), (False, 1), (False, -1)):
        with noise(0.0, 1, near_zero, ties):
            assert all(np.isfinite(value).all() for value in by_hand(loss, p, y, "float64", noisy=True))


def calls_of_a_step(variant: Variant, replicas: int) -> list[str]:
    """The functions that forward and backward call, Python's and C's, in order."""
    p, y = variant.draw(0, "float64", 2, (replicas,))
    made, seen = variant.loss().scratch(p.shape, np.empty, 1), list[str]()

    def note(frame: FrameType, event: str, called: object) -> None:
        if event in ("call", "c_call"):
            seen.append(frame.f_code.co_name if event == "call" else str(getattr(called, "__name__", called)))

    sys.setprofile(note)
    try:
        made.forward(p, y)
        made.backward()
    finally:
        sys.setprofile(None)
    return seen


@every_loss
def test_a_thousand_replicas_take_as_many_calls_as_one(variant: Variant) -> None:
    assert calls_of_a_step(variant, 1) == calls_of_a_step(variant, 1000)


@every_loss
def test_the_targets_that_it_is_made_for_fit_and_have_the_shape_of_hits(variant: Variant) -> None:
    loss, (p, y) = variant.loss(), variant.draw(1, "float64", 5)
    loss.fits(p.shape[1:], y)
    hits = loss.hits(p, y)
    if hits is not None:
        assert hits.dtype == bool
        if isinstance(loss, OfClasses) and y.dtype.kind == "i":
            assert hits.shape == (np.count_nonzero(y != loss.ignore_index),)
        else:
            assert hits.shape == (y.shape if "bce" in variant.name else y.shape[:-1])


def _difference(variant: Variant, p: Array, y: Array, at: tuple[int, ...], h: float) -> float:
    moved = [p.copy(), p.copy()]
    moved[0][at] += h
    moved[1][at] -= h
    high, low = (by_hand(variant.loss(), q, y, "float64")[0] for q in moved)
    return float(high - low) / (2 * h)


@every_loss
def test_the_gradient_is_that_of_central_differences(variant: Variant) -> None:
    p, y = variant.draw(3, "float64", 2)
    gradient = by_hand(variant.loss(), p, y, "float64")[1]
    for at in np.ndindex(*p.shape):
        np.testing.assert_allclose(gradient[at], _difference(variant, p, y, at, 1e-6), rtol=1e-6, atol=1e-8)
