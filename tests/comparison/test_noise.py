"""Noisy arithmetic: what is rounded errs, at the size that is asked for, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from runner.comparison.rounding import NoisyArray, empty_noisy, noise

RNG = np.random.default_rng(11)
X, Y = RNG.uniform(0.5, 2, (4, 4)), RNG.uniform(0.5, 2, (4, 4))
RUNS = 64
ERROR = 1e-8

Call = Callable[[Any, Any], Any]


def noisy(value: Array) -> Array:
    made = empty_noisy(value.shape, value.dtype)
    made[...] = value
    return made


def into(call: Callable[..., Any], *arguments: Any, shape: tuple[int, ...] = (4, 4), **keywords: Any) -> Any:
    return call(*arguments, out=empty_noisy(shape, np.dtype(np.float64)), **keywords)


def in_place(call: Callable[..., Any], x: Any, *others: Any) -> Any:
    kept = x.copy()
    return call(kept, *others, out=kept)


def augmented(x: Any, y: Any) -> Any:
    kept = x.copy()
    kept += y
    kept *= y
    return kept


ROUNDED: dict[str, Call] = {
    "exp": lambda x, y: np.exp(x),
    "tanh into out": lambda x, y: into(np.tanh, x),
    "exp in place": lambda x, y: in_place(np.exp, x),
    "add in place of a number": lambda x, y: in_place(np.add, x, 1),
    "reciprocal in place": lambda x, y: in_place(np.reciprocal, x),
    "a number minus an array": lambda x, y: into(np.subtract, 1, x),
    "multiply": lambda x, y: x * y,
    "multiply by a plain array": lambda x, y: X * y,
    "multiply into out": lambda x, y: into(np.multiply, x, y),
    "augmented": augmented,
    "matmul": lambda x, y: x @ y,
    "matmul into out": lambda x, y: into(np.matmul, x, y),
    "matmul with a transposed view": lambda x, y: into(np.matmul, x, y.mT),
    "vecdot": lambda x, y: np.vecdot(x, y),
    "vecdot of one array with itself into out": lambda x, y: into(np.vecdot, x, x, shape=(4,)),
    "vecdot into a scalar": lambda x, y: into(np.vecdot, x.reshape(-1), y.reshape(-1), shape=()),
    "add.reduce into out": lambda x, y: into(np.add.reduce, x, axis=-2, shape=(4,)),
    "sum over an axis": lambda x, y: x.sum(axis=0),
    "sum of all": lambda x, y: x.sum(),
    "mean": lambda x, y: x.mean(axis=0),
    "square root": lambda x, y: np.sqrt(x),
    "divide by a number into out": lambda x, y: into(np.divide, x, 3),
    "a product masked by booleans": lambda x, y: into(np.multiply, x, y > 0),
    "two results": lambda x, y: np.modf(x / 4)[0],
    "into a part of an array": lambda x, y: np.multiply(x[:2], y[:2], out=x.copy()[:2]),
    "a matrix product of one term": lambda x, y: x[:, :1] @ y[:1],
    "a sum of one term": lambda x, y: np.add.reduce(x[:1], axis=0),
}


def samples(call: Call, runs: int = RUNS, error: float = ERROR) -> Array:
    found = []
    for k in range(1, runs + 1):
        with noise(error, k):
            found.append(np.array(call(noisy(X), noisy(Y)), dtype=np.float64))
    return np.array(found)


@pytest.mark.parametrize("name", ROUNDED)
def test_every_form_of_call_keeps_the_noise(name: str) -> None:
    call = ROUNDED[name]
    found, exact = samples(call), np.asarray(call(X.copy(), Y.copy()))
    assert found.shape[1:] == exact.shape
    size = np.sqrt(np.square(found / exact - 1).mean(axis=0))
    assert (size > 0.2 * ERROR).all(), size / ERROR
    assert (size < 30 * ERROR).all(), size / ERROR


@pytest.mark.parametrize(
    ("name", "call", "wanted"),
    [
        ("one rounding", lambda x, y: x * y, ERROR * X * Y),
        ("exp, then a product", lambda x, y: np.exp(x) * y, np.sqrt(2) * ERROR * np.exp(X) * Y),
        ("a difference", lambda x, y: np.exp(x) - 1, np.hypot(ERROR * np.exp(X), ERROR * np.expm1(X))),
        (
            "a sum of squares",
            lambda x, y: np.vecdot(x, y),
            np.sqrt(2 * np.square(ERROR * X * Y).sum(-1) + np.square(ERROR * (X * Y).sum(-1))),
        ),
        (
            "a matrix product",
            lambda x, y: x @ y,
            np.sqrt(2 * ERROR**2 * np.square(X) @ np.square(Y) + np.square(ERROR * X @ Y)),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_rms_of_the_noise_is_that_of_an_evaluation_by_hand(name: str, call: Call, wanted: Array) -> None:
    found = samples(call)
    size = np.sqrt(np.square(found - call(X, Y)).mean(axis=0))
    assert (size < 3 * wanted).all(), (name, size / wanted)
    assert (size > wanted / 3).all(), (name, size / wanted)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: np.vecdot(x, y),
        lambda x, y: x[None] @ y[:, None],
        lambda x, y: into(np.matmul, x[None], y[:, None], shape=(1, 1)),
        lambda x, y: np.add.reduce(x),
        lambda x, y: x.sum(),
    ],
    ids=["vecdot", "matmul", "matmul into out", "add.reduce", "sum"],
)
def test_a_sum_that_cancels_has_the_noise_of_its_terms(call: Call) -> None:
    x, y = np.array([1.5, -1.25, -0.25 + 2.0**-40]), np.ones(3)
    found = []
    for k in range(1, RUNS + 1):
        with noise(ERROR, k):
            found.append(np.array(call(noisy(x), noisy(y))).item())
    size = np.sqrt(np.square(np.array(found) - 2.0**-40).mean())
    assert 0.3 * ERROR < size < 10 * ERROR


@pytest.mark.parametrize("error", [2.0**-51, 2.0**-22])
def test_the_error_of_one_operation_is_the_size_that_is_set(error: float) -> None:
    with noise(error, 1):
        once = np.array(np.exp(noisy(X)))
    np.testing.assert_allclose(np.abs(once / np.exp(X) - 1), error, rtol=0.5)


@pytest.mark.parametrize(
    "call",
    [np.negative, np.abs, np.sign, np.floor, np.rint, lambda x: np.maximum(x, 0), lambda x: np.minimum(x, 1)],
    ids=["negative", "abs", "sign", "floor", "rint", "maximum", "minimum"],
)
def test_exact_operations_stay_exact(call: Callable[[Any], Any]) -> None:
    value = X - 1
    with noise(0.1, 3):
        np.testing.assert_array_equal(np.array(call(noisy(value))), call(value))
        out = noisy(np.zeros_like(value))
        np.maximum(noisy(value), 0, out=out)
        np.testing.assert_array_equal(np.array(out), np.maximum(value, 0))


def test_integers_booleans_and_comparisons_are_left_alone() -> None:
    whole = noisy(np.arange(5))
    with noise(0.1, 1):
        np.testing.assert_array_equal(np.array(whole + whole), np.arange(5) * 2)
        np.testing.assert_array_equal(np.array(whole.sum()), 10)
        mask = np.empty(X.shape, dtype=bool)
        np.greater(noisy(X), 1, out=mask)
        np.testing.assert_array_equal(mask, X > 1)
        assert np.asarray(noisy(X) > 1).dtype == bool
    assert int(np.asarray(whole).sum()) == 10


def test_zeros_stay_zeros_unless_they_are_asked_to_fall_on_either_side() -> None:
    zero = noisy(np.zeros((50, 50)))
    with noise(0.1, 1):
        assert not np.array(zero * 3.0).any()
    with noise(0.1, 1, near_zero=True):
        shaken = np.array(zero * 3.0)
    assert 1000 < (shaken > 0).sum() < 1500
    assert (shaken != 0).all()
    assert np.abs(shaken).max() < 1e-240


def test_equal_computations_err_equally_and_other_runs_and_operations_differently() -> None:
    with noise(1e-6, 4):
        first, second, twice = np.array(noisy(X) * Y), np.array(noisy(X) * Y), np.array(noisy(X) + noisy(X))
    with noise(1e-6, 5):
        other = np.array(noisy(X) * Y)
    np.testing.assert_array_equal(first, second)
    assert 0 < (first != other).sum() < X.size
    with noise(1e-6, 4):
        ties = np.array(noisy(np.full(100, 1.7)) * 0.3)
        doubled = np.array(noisy(2 * X) * 1.0)
    assert len(set(ties.tolist())) == 1
    assert not np.array_equal(np.sign(twice - 2 * X), np.sign(doubled - 2 * X))


@pytest.mark.parametrize("run", [1, 2, 3])
@pytest.mark.parametrize("operation", ["multiply", "add", "exp"])
def test_the_sign_of_the_noise_is_balanced(run: int, operation: str) -> None:
    """Of 20000 signs the share of pluses lies within 5 standard deviations of a half."""
    values = np.random.default_rng(run).standard_normal(20000)
    ufunc = getattr(np, operation)
    arguments = [noisy(values)] if operation == "exp" else [noisy(values), 1.0]
    with noise(1e-6, run):
        found = np.array(ufunc(*arguments))
    exact = ufunc(values) if operation == "exp" else ufunc(values, 1.0)
    pluses = (np.abs(found) > np.abs(exact)).mean()
    assert abs(pluses - 0.5) < 5 * 0.5 / np.sqrt(20000), pluses


def test_signs_of_neighbouring_values_and_of_different_runs_are_not_alike() -> None:
    values = 1.0 + np.arange(4096) * 2.0**-52
    signs = []
    for k in range(1, 9):
        with noise(1e-6, k):
            signs.append(np.sign(np.array(noisy(values) * 1.0) - values))
    found = np.array(signs)
    correlation = found @ found.T / found.shape[1]
    assert np.abs(correlation - np.eye(8)).max() < 0.1
    assert abs((found[:, 1:] * found[:, :-1]).mean()) < 0.05


def test_noise_is_over_when_its_block_is_left_by_an_error_too() -> None:
    def fail() -> None:
        with noise(0.5, 7, near_zero=True):
            assert (NoisyArray.error, NoisyArray.run, NoisyArray.near_zero) == (0.5, 7, True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (NoisyArray.error, NoisyArray.run, NoisyArray.near_zero) == (0.0, 0, False)
