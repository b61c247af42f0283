"""Calls of NumPy's and SciPy's functions, and what each gives in 50 digits with the noise that it is to have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from mpmath import mp
from scipy import special

from runner.arrays import Array
from runner.comparison.noisy import NoisyArray
from runner.comparison.rounding import empty_noisy, noise

mp.dps = 50
SEED = 20
RUNS = 64
ERROR = 2.0**-40
FACTOR = 3.0

Call = Callable[..., Any]
Range = tuple[float, float]
Wanted = tuple[Array, Array]
"""Values and sigmas, both rounded to float64 from 50 digits."""


def _quotient(x: Any) -> Any:
    return mp.log(x / (1 - x))


WIDE: Range = (0.3, 1.4)

# fmt: off
UNARY: dict[np.ufunc, tuple[Call, Range]] = {
    np.sqrt: (mp.sqrt, WIDE), np.cbrt: (mp.cbrt, WIDE), np.square: (lambda x: x * x, WIDE),
    np.reciprocal: (lambda x: 1 / x, WIDE), np.exp: (mp.exp, WIDE), np.exp2: (lambda x: mp.mpf(2) ** x, WIDE),
    np.expm1: (mp.expm1, WIDE), np.log: (mp.log, (1.5, 3)), np.log2: (lambda x: mp.log(x, 2), (1.5, 3)),
    np.log10: (mp.log10, (1.5, 3)), np.log1p: (mp.log1p, WIDE), np.sin: (mp.sin, WIDE), np.cos: (mp.cos, WIDE),
    np.tan: (mp.tan, WIDE), np.arcsin: (mp.asin, (0.1, 0.9)), np.arccos: (mp.acos, (0.1, 0.9)),
    np.arctan: (mp.atan, WIDE), np.sinh: (mp.sinh, WIDE), np.cosh: (mp.cosh, WIDE), np.tanh: (mp.tanh, WIDE),
    np.arcsinh: (mp.asinh, WIDE), np.arccosh: (mp.acosh, (1.2, 3)), np.arctanh: (mp.atanh, (0.1, 0.9)),
    np.deg2rad: (mp.radians, WIDE), np.radians: (mp.radians, WIDE), np.rad2deg: (mp.degrees, WIDE),
    np.degrees: (mp.degrees, WIDE),
}
BINARY: dict[np.ufunc, tuple[Call, Range]] = {
    np.add: (lambda x, y: x + y, WIDE), np.subtract: (lambda x, y: x - y, WIDE),
    np.multiply: (lambda x, y: x * y, WIDE), np.divide: (lambda x, y: x / y, WIDE),
    np.power: (lambda x, y: x**y, WIDE), np.float_power: (lambda x, y: x**y, WIDE), np.hypot: (mp.hypot, WIDE),
    np.arctan2: (mp.atan2, WIDE), np.logaddexp: (lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), WIDE),
    np.logaddexp2: (lambda x, y: mp.log(mp.mpf(2) ** x + mp.mpf(2) ** y, 2), WIDE),
}
SPECIAL: dict[np.ufunc, tuple[Call, Range]] = {
    special.erf: (mp.erf, WIDE), special.erfc: (mp.erfc, WIDE), special.expit: (lambda x: 1 / (1 + mp.exp(-x)), WIDE),
    special.log_expit: (lambda x: -mp.log1p(mp.exp(-x)), WIDE), special.logit: (_quotient, (0.55, 0.9)),
    special.ndtr: (mp.ncdf, WIDE), special.log_ndtr: (lambda x: mp.log(mp.ncdf(x)), WIDE),
    special.gamma: (mp.gamma, WIDE), special.gammaln: (mp.loggamma, (2.2, 4)), special.psi: (mp.digamma, (2, 4)),
    special.erfinv: (mp.erfinv, (0.1, 0.9)), special.exprel: (lambda x: mp.expm1(x) / x, WIDE),
    special.log1p: (mp.log1p, WIDE), special.expm1: (mp.expm1, WIDE), special.cosm1: (lambda x: mp.cos(x) - 1, WIDE),
    special.cbrt: (mp.cbrt, WIDE), special.exp2: (lambda x: mp.mpf(2) ** x, WIDE),
    special.exp10: (lambda x: mp.mpf(10) ** x, WIDE), special.entr: (lambda x: -x * mp.log(x), (0.1, 0.9)),
    special.erfcx: (lambda x: mp.exp(x * x) * mp.erfc(x), WIDE), special.i0: (lambda x: mp.besseli(0, x), WIDE),
    special.xlogy: (lambda x, y: x * mp.log(y), (1.5, 3)), special.xlog1py: (lambda x, y: x * mp.log1p(y), WIDE),
    special.rel_entr: (lambda x, y: x * mp.log(x / y), WIDE),
    special.kl_div: (lambda x, y: x * mp.log(x / y) - x + y, WIDE),
}
# fmt: on
"""Each rounded ufunc, what it computes, and between which numbers its arguments are drawn."""

ELEMENTWISE = {**UNARY, **BINARY, **SPECIAL}
SUMS = {np.add, np.subtract, np.logaddexp, np.logaddexp2}
"""Those that can cancel."""


def noisy(value: Array) -> Any:
    made = empty_noisy(value.shape, value.dtype)
    made[...] = value
    return made


def empty(shape: tuple[int, ...]) -> Any:
    return noisy(np.full(shape, 7.0))


def arguments(ufunc: np.ufunc) -> list[Array]:
    low, high = ELEMENTWISE[ufunc][1]
    rng = np.random.default_rng(SEED)
    return [rng.uniform(low, high, (4, 4)) for _ in range(ufunc.nin)]


def digits(value: Array) -> Array:
    """The same numbers in 50 digits, as an array of objects."""
    made = np.empty(value.shape, object)
    made.ravel()[...] = [mp.mpf(float(v)) for v in value.ravel()]
    return made


def in_digits(ufunc: np.ufunc, *values: Any) -> Array:
    """The ufunc of its arguments, broadcast against each other, in 50 digits."""
    return np.asarray(np.frompyfunc(ELEMENTWISE[ufunc][0], ufunc.nin, 1)(*[digits(v) for v in values]))


def as_floats(values: Any) -> Array:
    return np.asarray(np.asarray(values).astype(np.float64))


def one_rounding(values: Any) -> Wanted:
    found = as_floats(values)
    return found, ERROR * np.abs(found)


def sums_of(terms: Array, operands: int) -> Wanted:
    """Sums over the last axis of ``terms`` (..., n) in 50 digits, each a product of so many erring operands."""
    total = terms.sum(axis=-1)
    square = np.square(total) + operands * np.square(terms).sum(axis=-1)
    return as_floats(total), ERROR * as_floats(np.frompyfunc(mp.sqrt, 1, 1)(square))


def fold(ufunc: np.ufunc, group: Sequence[float]) -> tuple[float, float]:
    """A ufunc done from left to right, and its sigma: the operands err too where it can cancel."""
    values = [mp.mpf(float(v)) for v in group]

    def folded(given: Sequence[Any]) -> Any:
        return reduce(ELEMENTWISE[ufunc][0], given)

    total = folded(values)
    square = total**2
    if ufunc in SUMS:
        step = mp.mpf(10) ** -20
        for i, value in enumerate(values):
            ends = [folded([*values[:i], value * (1 + s * step), *values[i + 1 :]]) for s in (1, -1)]
            square += ((ends[0] - ends[1]) / (2 * step)) ** 2
    return float(total), ERROR * float(mp.sqrt(square))


def folds(ufunc: np.ufunc, groups: Any) -> Wanted:
    """``fold`` of every group in a list of groups, or in a list of lists of groups."""
    if isinstance(groups[0], list | np.ndarray) and not np.isscalar(groups[0][0]):
        each = [folds(ufunc, group) for group in groups]
        return np.array([value for value, _ in each]), np.array([sigma for _, sigma in each])
    found = np.array([fold(ufunc, group) for group in groups])
    return found[:, 0], found[:, 1]


def cancelling(ufunc: np.ufunc) -> Array:
    """(5, 4): down each column the ufunc comes to no more than 1e-3, if it is one that can cancel."""
    x = np.random.default_rng(SEED).uniform(0.5, 1.5, (5, 4))
    if ufunc is np.add:
        x[-1] = 1e-3 - x[:-1].sum(axis=0)
    elif ufunc is np.subtract:
        x[0] = x[1:].sum(axis=0) + 1e-3
    elif ufunc in SUMS:
        x -= ufunc.reduce(x, axis=0) - 1e-3
    return x


def measure(call: Call, given: Sequence[Array], runs: int = RUNS, error: float = ERROR) -> Array:
    """What a call gives in each run of the noise; it has to be a noisy array, or the noise is lost after it."""
    found = []
    for k in range(1, runs + 1):
        with noise(error, k):
            result = call(*[noisy(v) for v in given])
        assert isinstance(result, NoisyArray), (type(result), f"seed {SEED}, run {k}")
        found.append(np.array(result))
    return np.array(found)


def assert_noise(found: Array, wanted: Wanted, what: str) -> None:
    """The root mean square of the noise lies within FACTOR of the one that is wanted; where that is 0, so is this."""
    value, sigma = wanted
    assert found.shape[1:] == value.shape, what
    change = np.sqrt(np.square(found - value).mean(axis=0))
    untouched = sigma == 0
    np.testing.assert_array_equal(change[untouched], 0, err_msg=what)
    ratio = change[~untouched] / sigma[~untouched]
    assert (ratio < FACTOR).all(), (what, f"seed {SEED}", ratio)
    assert (ratio > 1 / FACTOR).all(), (what, f"seed {SEED}", ratio)
