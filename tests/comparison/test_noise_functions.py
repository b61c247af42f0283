"""NumPy's array functions err as an evaluation in 50 digits says, or are exact, or are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import mp
from numpy.testing.overrides import get_overridable_numpy_array_functions

from runner.comparison.noisy import NoisyArray
from runner.comparison.noisy_operations import EXACT_UFUNCS, PLACING, SUMMING, THROUGH
from runner.comparison.rounding import noise
from tests.comparison.noise_calls import (
    ERROR,
    SEED,
    Call,
    Wanted,
    as_floats,
    assert_noise,
    digits,
    empty,
    measure,
    noisy,
    one_rounding,
    sums_of,
)

RNG = np.random.default_rng(SEED)
X, Y = RNG.uniform(0.5, 2, (4, 4)), RNG.uniform(0.5, 2, (4, 4))
X[0] *= 4  # A sum over all is not that of a row.
Y[-1] = -(X[:, :-1] @ Y[:-1]).mean(axis=0) / X[:, -1].mean()  # Products of the two cancel somewhat.
MANY = RNG.uniform(0.5, 2, (2, 200))
DX, DY = digits(X), digits(Y)
PAIRS = DX[:, None, :] * DY.T[None]  # (i, j, terms) of x @ y
SHIFTS = [[(i, k - i) for i in range(4)] for k in range(7)]
ROLLED = np.array([[DX[0, i] * DY[j, 0] if 0 <= j < 4 else mp.mpf(0) for i, j in row] for row in SHIFTS], object)


def variance() -> tuple[Any, Any]:
    """The variance of each column, and its sigma's square: of x - mean (twice), squares, their sum, the quotient."""
    d = np.square(DX - DX.mean(axis=0)) / 4
    return d.sum(axis=0), 6 * np.square(d).sum(axis=0) + 2 * np.square(d.sum(axis=0))


def from_square(value: Any, square: Any) -> Wanted:
    return as_floats(value), ERROR * np.sqrt(as_floats(square))


def std() -> Wanted:
    value, square = variance()
    root = value ** mp.mpf("0.5")
    return from_square(root, square / (4 * value) + value)


COLUMNS = DX.T
RUNNING = np.array([np.where(np.arange(4) <= k, column, 0) for column in DX.T for k in range(4)], object)
MEAN = from_square(DX.mean(axis=0), np.square(DX / 4).sum(axis=0) + 2 * np.square(DX.mean(axis=0)))

ROUNDED: dict[str, tuple[Any, Call, Wanted]] = {
    "sum": (np.sum, lambda x, y: np.sum(x, axis=0), sums_of(COLUMNS, 1)),
    "sum of all": (np.sum, lambda x, y: np.sum(x), sums_of(DX.reshape(-1), 1)),
    "sum into out": (np.sum, lambda x, y: np.sum(x, axis=0, out=empty((4,))), sums_of(COLUMNS, 1)),
    "sum, keepdims": (np.sum, lambda x, y: np.sum(x, axis=0, keepdims=True), sums_of(COLUMNS[None], 1)),
    "sum, where": (np.sum, lambda x, y: np.sum(x, axis=0, where=X < 1.9), sums_of(np.where(X < 1.9, DX, 0).T, 1)),
    "prod": (np.prod, lambda x, y: np.prod(x, axis=0), one_rounding(DX.prod(axis=0))),
    "mean": (np.mean, lambda x, y: np.mean(x, axis=0), MEAN),
    "mean into out": (np.mean, lambda x, y: np.mean(x, axis=0, out=empty((4,))), MEAN),
    "var": (np.var, lambda x, y: np.var(x, axis=0), from_square(*variance())),
    "std": (np.std, lambda x, y: np.std(x, axis=0), std()),
    "cumsum": (np.cumsum, lambda x, y: np.cumsum(x, axis=0).T.reshape(-1), sums_of(RUNNING, 1)),
    "cumsum into out": (np.cumsum, lambda x, y: np.cumsum(x.T, 1, out=empty((4, 4))).reshape(-1), sums_of(RUNNING, 1)),
    "cumprod": (np.cumprod, lambda x, y: np.cumprod(x, axis=0), one_rounding(np.multiply.accumulate(DX))),
    "diff": (np.diff, lambda x, y: np.diff(x, axis=0), one_rounding(DX[1:] - DX[:-1])),
    "ptp": (np.ptp, lambda x, y: np.ptp(x, axis=0), one_rounding(DX.max(axis=0) - DX.min(axis=0))),
    "dot": (np.dot, lambda x, y: np.dot(x, y), sums_of(PAIRS, 2)),
    "dot by name": (np.dot, lambda x, y: np.dot(a=x, b=y), sums_of(PAIRS, 2)),
    "dot into out": (np.dot, lambda x, y: np.dot(x, y, out=empty((4, 4))), sums_of(PAIRS, 2)),
    "dot into out by position": (np.dot, lambda x, y: written(np.dot, x, y, empty((4, 4))), sums_of(PAIRS, 2)),
    "dot of vectors": (np.dot, lambda x, y: np.dot(x[0], y[:, 0]), sums_of(PAIRS[0, 0], 2)),
    "dot of many terms": (  # where the result's own error is the most of it
        np.dot,
        lambda x, y: np.dot(noisy(MANY[0]), noisy(MANY[1])),
        sums_of(digits(MANY[0]) * digits(MANY[1]), 2),
    ),
    "dot with a plain array": (np.dot, lambda x, y: np.dot(np.array(x), y), sums_of(PAIRS, 2)),
    "vdot": (np.vdot, lambda x, y: np.vdot(x, y.T), sums_of(PAIRS[range(4), range(4)].reshape(-1), 2)),
    "inner": (np.inner, lambda x, y: np.inner(x, y.T), sums_of(PAIRS, 2)),
    "tensordot": (np.tensordot, lambda x, y: np.tensordot(x, y, axes=1), sums_of(PAIRS, 2)),
    "tensordot over all": (
        np.tensordot,
        lambda x, y: np.tensordot(x, y.T, axes=([0, 1], [0, 1])),
        sums_of(PAIRS[range(4), range(4)].reshape(-1), 2),
    ),
    "einsum": (np.einsum, lambda x, y: np.einsum("ij,jk->ik", x, y), sums_of(PAIRS, 2)),
    "einsum into out": (np.einsum, lambda x, y: np.einsum("ij,jk->ik", x, y, out=empty((4, 4))), sums_of(PAIRS, 2)),
    "einsum with paths": (np.einsum, lambda x, y: np.einsum("ij,jk->ik", x, y, optimize=True), sums_of(PAIRS, 2)),
    "einsum to a number": (np.einsum, lambda x, y: np.einsum("i,i->", x[0], y[:, 0]), sums_of(PAIRS[0, 0], 2)),
    "outer": (np.outer, lambda x, y: np.outer(x[0], y[0]), sums_of((DX[0][:, None] * DY[0])[..., None], 2)),
    "outer by position": (
        np.outer,
        lambda x, y: written(np.outer, x[0], y[0], empty((4, 4))),
        sums_of((DX[0][:, None] * DY[0])[..., None], 2),
    ),
    "trace": (np.trace, lambda x, y: np.trace(x), sums_of(DX.diagonal(), 1)),
    "trace into out": (np.trace, lambda x, y: np.trace(x, 0, 0, 1, None, empty(())), sums_of(DX.diagonal(), 1)),
    "convolve": (np.convolve, lambda x, y: np.convolve(x[0], y[:, 0]), sums_of(ROLLED, 2)),
}
# fmt: off
CHOICES: dict[Any, Call] = {
    np.max: lambda x: np.max(x, axis=0), np.min: lambda x: np.min(x, axis=0), np.amax: lambda x: np.amax(x),
    np.amin: lambda x: np.amin(x, axis=1, keepdims=True), np.clip: lambda x: np.clip(x, 0.7, 1.1),
    np.any: lambda x: np.any(x > 1, axis=0), np.all: lambda x: np.all(x > 1, axis=0),
    np.argmax: lambda x: np.argmax(x, axis=0), np.argmin: lambda x: np.argmin(x, axis=0),
    np.count_nonzero: lambda x: np.count_nonzero(x), np.where: lambda x: np.where(x > 1, x, 0.3),
    np.concatenate: lambda x: np.concatenate([x, np.ones((1, 4))]), np.stack: lambda x: np.stack((x, x)),
    np.vstack: lambda x: np.vstack([x, x[0]]), np.hstack: lambda x: np.hstack([x, x]),
    np.pad: lambda x: np.pad(x, 1, mode="reflect"), np.take: lambda x: np.take(x, [1, 2], axis=1),
    np.take_along_axis: lambda x: np.take_along_axis(x, np.argsort(x), -1), np.repeat: lambda x: np.repeat(x, 2),
    np.tile: lambda x: np.tile(x, 2), np.reshape: lambda x: np.reshape(x, (2, 8)), np.ravel: lambda x: np.ravel(x),
    np.transpose: lambda x: np.transpose(x), np.swapaxes: lambda x: np.swapaxes(x, 0, 1),
    np.moveaxis: lambda x: np.moveaxis(x, 0, 1), np.squeeze: lambda x: np.squeeze(x[:1]),
    np.expand_dims: lambda x: np.expand_dims(x, 1), np.broadcast_to: lambda x: np.broadcast_to(x, (2, 4, 4)),
    np.split: lambda x: np.split(x, 2), np.array_split: lambda x: np.array_split(x, 3),
    np.roll: lambda x: np.roll(x, 1), np.flip: lambda x: np.flip(x), np.copy: lambda x: np.copy(x),
    np.sort: lambda x: np.sort(x), np.argsort: lambda x: np.argsort(x), np.atleast_1d: lambda x: np.atleast_1d(x[0, 0]),
    np.atleast_2d: lambda x: np.atleast_2d(x[0]), np.empty_like: lambda x: np.empty_like(x) * 0,
    np.zeros_like: lambda x: np.zeros_like(x), np.ones_like: lambda x: np.ones_like(x),
    np.full_like: lambda x: np.full_like(x, x[0, 0]), np.diagonal: lambda x: np.diagonal(x),
    np.diag: lambda x: np.diag(x[0]), np.tril: lambda x: np.tril(x), np.triu: lambda x: np.triu(x, 1),
    np.nan_to_num: lambda x: np.nan_to_num(x), np.copyto: lambda x: into(np.copyto, x, x[0]),
    np.put_along_axis: lambda x: into(np.put_along_axis, x, np.zeros((4, 1), int), x[:, 1:2], 1),
    np.shape: lambda x: np.shape(x), np.ndim: lambda x: np.ndim(x), np.size: lambda x: np.size(x),
    np.nonzero: lambda x: np.nonzero(x), np.flatnonzero: lambda x: np.flatnonzero(x > 1),
    np.unique: lambda x: np.unique(x, return_inverse=True), np.shares_memory: lambda x: np.shares_memory(x, x.T),
    np.lib.stride_tricks.sliding_window_view: lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)),
    np.array_equal: lambda x: np.array_equal(x, x),
}
# fmt: on


def written(function: Call, *arguments: Any) -> Any:
    """What the last argument holds after the call."""
    function(*arguments)
    return arguments[-1]


def into(change: Call, x: Any, *others: Any, **keywords: Any) -> Any:
    kept = x.copy()
    change(kept, *others, **keywords)
    return kept


@pytest.mark.parametrize("name", ROUNDED)
def test_an_array_function_errs_as_50_digits_say(name: str) -> None:
    assert_noise(measure(ROUNDED[name][1], (X, Y)), ROUNDED[name][2], name)


def assert_same(found: Any, wanted: Any, what: str) -> None:
    """Equal values; what is of floats is a noisy array."""
    if isinstance(wanted, list | tuple):
        assert type(found) is type(wanted), what
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other, what)
        return
    np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted), err_msg=what)
    if np.asarray(wanted).dtype.kind == "f":
        assert isinstance(found, NoisyArray), (what, type(found))


@pytest.mark.parametrize("function", CHOICES, ids=lambda f: f.__name__)
def test_what_rounds_nothing_neither_adds_noise_nor_loses_it(function: Any) -> None:
    call = CHOICES[function]
    with noise(0.1, 3):
        found = call(noisy(X))
    assert_same(found, call(X.copy()), f"seed {SEED}")


@pytest.mark.parametrize("name", sorted(EXACT_UFUNCS - {"clip"}))
def test_an_exact_ufunc_adds_no_noise_in_any_form(name: str) -> None:
    ufunc = getattr(np, name)
    given: list[Any] = [X, Y][: ufunc.nin] if name != "ldexp" else [X, np.arange(4)]
    with noise(0.1, 3):
        taken = [noisy(v) for v in given]
        results = [ufunc(*taken)]
        if ufunc.nout == 1:
            results += [ufunc(*taken, out=empty((4, 4))), ufunc(*taken, out=into(np.copyto, taken[0], taken[0]))]
        else:
            results += [ufunc(*taken, out=(empty((4, 4)), None))]
    for result in results:
        assert_same(result, ufunc(*given), name)
    if ufunc.nin == 2 and name != "ldexp":
        with noise(0.1, 3):
            kept = noisy(X)
            ufunc.at(kept, [1], noisy(Y)[1]) if ufunc.nout == 1 else None
            reduced = ufunc.reduce(noisy(X)) if ufunc.nout == 1 else noisy(X)
        plain = X.copy()
        ufunc.at(plain, [1], Y[1]) if ufunc.nout == 1 else None
        assert_same(kept, plain, f"{name}.at")
        assert_same(reduced, ufunc.reduce(X) if ufunc.nout == 1 else X, f"{name}.reduce")


def test_exact_ufuncs_are_exact() -> None:
    """Those of which it is not plain, in 50 digits."""
    for x, y in zip(X.ravel().tolist(), np.abs(Y).ravel().tolist(), strict=True):
        quotient = mp.floor(mp.mpf(x) / y)
        assert np.floor_divide(x, y) == quotient, SEED
        assert np.fmod(x, y) == np.remainder(x, y) == mp.mpf(x) - quotient * mp.mpf(y), SEED
        assert np.modf(x)[0] == mp.mpf(x) - mp.floor(x), SEED


def test_every_array_function_is_covered_or_refused() -> None:
    """The three sets are all tried above; what NumPy dispatches besides, in whatever namespace, is a TypeError."""
    known = THROUGH | PLACING | SUMMING
    assert known == {function for function, _, _ in ROUNDED.values()} | set(CHOICES)
    with noise(ERROR, 1):
        for function in get_overridable_numpy_array_functions() - known:
            with pytest.raises(TypeError, match="does not cover"):
                noisy(X).__array_function__(function, (NoisyArray,), (noisy(X),), {})
