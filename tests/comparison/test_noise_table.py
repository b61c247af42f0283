"""Every rounding ufunc, in every form of call, errs by the size that an evaluation in 50 digits gives."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from runner.comparison.noisy import NoisyArray
from runner.comparison.noisy_operations import EXACT_UFUNCS
from runner.comparison.rounding import noise
from tests.comparison.noise_calls import (
    BINARY,
    ELEMENTWISE,
    ERROR,
    SEED,
    SUMS,
    UNARY,
    Call,
    arguments,
    assert_noise,
    cancelling,
    digits,
    empty,
    folds,
    in_digits,
    measure,
    noisy,
    one_rounding,
    sums_of,
)

MASK = np.array([[True, False, True, True], [False, True, True, False], [True] * 4, [False] * 4])
ALL_UFUNCS = {u for u in vars(np).values() if isinstance(u, np.ufunc)}
OPERATORS: dict[Any, str] = {
    np.matmul: "matmul",
    np.add: "add",
    np.subtract: "sub",
    np.multiply: "mul",
    np.divide: "truediv",
    np.power: "pow",
}
PRODUCTS = {np.matmul, np.vecdot, np.matvec, np.vecmat}


def over(x: Any, ufunc: np.ufunc, *others: Any) -> Any:
    kept = x.copy()
    assert ufunc(kept, *others, out=kept) is kept
    return kept


def at(x: Any, ufunc: np.ufunc, *others: Any) -> Any:
    kept = x.copy()
    rows: Any = ([0, 2], slice(None))
    ufunc.at(kept, rows, *[o[[0, 2]] for o in others])
    return kept


FORMS: dict[str, Call] = {
    "plain call": lambda u, *xs: u(*xs),
    "into out": lambda u, *xs: u(*xs, out=empty((4, 4))),
    "into out as a tuple": lambda u, *xs: u(*xs, out=(empty((4, 4)),)),
    "into out by position": lambda u, *xs: u(*xs, empty((4, 4))),
    "in place": lambda u, *xs: over(xs[0], u, *xs[1:]),
    "into a view with steps": lambda u, *xs: u(*xs, out=empty((4, 8))[:, ::2]),
    "of a transposed view": lambda u, *xs: u(*[noisy(np.array(x).T.copy()).T for x in xs]),
    "of plain arrays into a noisy out": lambda u, *xs: u(*[np.array(x) for x in xs], out=empty((4, 4))),
    "with a plain array in the last place": lambda u, *xs: u(*xs[:-1], np.array(xs[-1]), out=empty((4, 4))),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
def test_an_elementwise_function_errs_once(ufunc: np.ufunc, form: str) -> None:
    given = arguments(ufunc)
    found = measure(lambda *xs: FORMS[form](ufunc, *xs), given, runs=16)
    assert_noise(found, one_rounding(in_digits(ufunc, *given)), f"{ufunc.__name__}, {form}")


@pytest.mark.parametrize("ufunc", [*UNARY, *BINARY], ids=lambda u: u.__name__)
def test_where_makes_err_what_it_writes_and_leaves_the_rest(ufunc: np.ufunc) -> None:
    """Not SciPy's: SciPy 1.17 itself, on plain arrays, writes in wrong places where a mask has gaps."""
    given = arguments(ufunc)
    value, sigma = one_rounding(in_digits(ufunc, *given))
    for form, fill, call in (
        ("into out", np.full((4, 4), 7.0), lambda *xs: ufunc(*xs, out=empty((4, 4)), where=MASK)),
        ("in place", given[0], lambda *xs: ufunc(*xs, out=xs[0], where=MASK)),
        ("with a row as mask", np.full((4, 4), 7.0), lambda *xs: ufunc(*xs, out=empty((4, 4)), where=MASK[0])),
    ):
        mask = np.broadcast_to(MASK[0] if "row" in form else MASK, (4, 4))
        wanted = np.where(mask, value, fill), np.where(mask, sigma, 0.0)
        assert_noise(measure(call, given, runs=16), wanted, f"{ufunc.__name__}, where, {form}")


@pytest.mark.parametrize("ufunc", ELEMENTWISE, ids=lambda u: u.__name__)
def test_at_makes_err_what_it_writes_and_leaves_the_rest(ufunc: np.ufunc) -> None:
    given = arguments(ufunc)
    if ufunc in SUMS:
        given[1][0] = cancelling_partner(ufunc, given[0][0])
    rows = np.array([True, False, True, False])[:, None]
    value, sigma = one_rounding(in_digits(ufunc, *given))
    if ufunc in SUMS:  # what is added errs
        slope = {np.add: 1.0, np.subtract: 1.0}.get(ufunc, 0.5)
        sigma = np.hypot(sigma, ERROR * slope * given[1])
    wanted = np.where(rows, value, given[0]), np.where(rows, sigma, 0.0)
    assert_noise(measure(lambda x, *o: at(x, ufunc, *o), given), wanted, f"{ufunc.__name__}.at")


def cancelling_partner(ufunc: np.ufunc, x: Array) -> Array:
    """y so that the ufunc of x and y is about 1e-3; x and y as like as can be, so that a slope is about 1/2."""
    if ufunc in (np.logaddexp, np.logaddexp2):
        return x.copy()
    return 1e-3 - x if ufunc is np.add else x - 1e-3


@pytest.mark.parametrize("ufunc", OPERATORS, ids=lambda u: u.__name__)
def test_operators_and_augmented_assignments_err(ufunc: np.ufunc) -> None:
    name = OPERATORS[ufunc]
    x, y = arguments(np.add)
    wanted = sums_of(digits(x)[:, None, :] * digits(y.T)[None], 2) if ufunc is np.matmul else None
    wanted = wanted or one_rounding(in_digits(ufunc, x, y))
    plain, augmented = getattr(operator, name), getattr(operator, f"i{name}")
    for form, call in (
        ("operator", plain),
        ("with a plain array on the left", lambda a, b: plain(np.array(a), b)),
        ("with a plain array on the right", lambda a, b: plain(a, np.array(b))),
        ("augmented", lambda a, b: augmented(a.copy(), b)),
        ("augmented by a plain array", lambda a, b: augmented(a.copy(), np.array(b))),
    ):
        assert_noise(measure(call, (x, y)), wanted, f"{name}, {form}")


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
def test_reduce_accumulate_and_reduceat_err_as_their_operands_and_results(ufunc: np.ufunc) -> None:
    x = cancelling(ufunc)
    n, m = x.shape
    down, part = list(x.T), [[x[:2, j] for j in range(m)], [x[2:, j] for j in range(m)]]
    running = [[x[: i + 1, j] for j in range(m)] for i in range(n)]
    cases: list[tuple[str, Call, Any]] = [
        ("reduce", lambda v: ufunc.reduce(v), down),
        ("reduce over the last axis", lambda v: ufunc.reduce(v.T, axis=-1), down),
        ("reduce, keeping dimensions", lambda v: ufunc.reduce(v, axis=0, keepdims=True), [down]),
        ("reduce into out", lambda v: ufunc.reduce(v, axis=0, out=empty((m,))), down),
        ("reduce to a scalar", lambda v: ufunc.reduce(v[:, 0]).reshape(1), down[:1]),
        ("reduce, initial", lambda v: ufunc.reduce(v[1:], axis=0, initial=v[0, 0]), [[x[0, 0], *c[1:]] for c in down]),
        ("reduceat", lambda v: ufunc.reduceat(v, [0, 2], axis=0), part),
        ("reduceat into out", lambda v: ufunc.reduceat(v, [0, 2], axis=0, out=empty((2, m))), part),
        ("accumulate", lambda v: ufunc.accumulate(v), running),
        ("accumulate over the last axis", lambda v: ufunc.accumulate(v.T, axis=-1).T, running),
        ("accumulate into out", lambda v: ufunc.accumulate(v, out=empty((n, m))), running),
        ("accumulate in place", lambda v: ufunc.accumulate(v, out=v), running),
    ]
    if ufunc in (np.power, np.arctan2):  # NumPy's own results of these two are not those of a loop there
        cases = [case for case in cases if "scalar" not in case[0] and "reduceat" not in case[0]]
    if ufunc.identity is not None:
        some = MASK[:3].T  # (4, 3): of five rows the last is left out too
        mask = np.vstack([np.pad(some, ((0, 0), (0, 1)), constant_values=True), np.ones((1, m), bool)])
        picked = [c[mask[:, j]] for j, c in enumerate(down)]
        cases += [
            ("reduce, where", lambda v: ufunc.reduce(v, axis=0, where=mask), picked),
            ("reduce, where, into out", lambda v: ufunc.reduce(v, axis=0, where=mask, out=empty((m,))), picked),
        ]
    for form, call, groups in cases:
        assert_noise(measure(call, (x,)), folds(ufunc, groups), f"{ufunc.__name__}, {form}")


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
def test_outer_errs_once(ufunc: np.ufunc) -> None:
    x, y = (v[0] for v in arguments(ufunc))
    wanted = one_rounding(in_digits(ufunc, x[:, None], y[None]))
    assert_noise(measure(lambda a, b: ufunc.outer(a, b), (x, y)), wanted, "outer")
    assert_noise(measure(lambda a, b: ufunc.outer(a, b, out=empty((4, 4))), (x, y)), wanted, "outer into out")


def test_products_of_sums_err_as_their_operands_and_results() -> None:
    """Row 0 of x and column 0 of y cancel to 1e-3."""
    x, y = arguments(np.add)
    x[0, -1] = (1e-3 - x[0, :-1] @ y[:-1, 0]) / y[-1, 0]
    terms = digits(x)[:, None, :] * digits(y.T)[None]  # (4, 4, n)
    diagonal, first, row = terms[range(4), range(4)], terms[:, 0], terms[0]
    vecdot: Any = np.vecdot
    cases: list[tuple[str, Call, Array]] = [
        ("matmul", lambda a, b: np.matmul(a, b), terms),
        ("matmul into out", lambda a, b: np.matmul(a, b, out=empty((4, 4))), terms),
        ("matmul by position", lambda a, b: np.matmul(a, b, empty((4, 4))), terms),
        ("matmul in place", lambda a, b: np.matmul(a, b, out=a), terms),
        ("matmul with axes", lambda a, b: np.matmul(a.T, b, axes=[(1, 0), (0, 1), (0, 1)]), terms),
        ("matmul of one term", lambda a, b: a[:, :1] @ b[:1], terms[..., :1]),
        ("matmul of a stack", lambda a, b: np.stack([a, a]) @ b, np.stack([terms, terms])),
        ("vecdot", lambda a, b: np.vecdot(a, b.T), diagonal),
        ("vecdot over the first axis", lambda a, b: vecdot(a.T, b, axis=0), diagonal),
        ("vecdot into out", lambda a, b: np.vecdot(a, b.T, out=empty((4,))), diagonal),
        ("vecdot, keeping dimensions", lambda a, b: vecdot(a, b.T, keepdims=True), diagonal[:, None]),
        ("vecdot into a scalar", lambda a, b: np.vecdot(a[0], b[:, 0], out=empty(())), terms[0, 0]),
        ("matvec", lambda a, b: np.matvec(a, b[:, 0]), first),
        ("matvec into out", lambda a, b: np.matvec(a, b[:, 0], out=empty((4,))), first),
        ("vecmat", lambda a, b: np.vecmat(a[0], b), row),
        ("vecmat into out", lambda a, b: np.vecmat(a[0], b, out=empty((4,))), row),
    ]
    assert {u for u in ALL_UFUNCS if u.signature} == PRODUCTS
    for form, call, wanted in cases:
        assert_noise(measure(call, (x, y)), sums_of(wanted, 2), form)


def test_no_ufunc_of_numpy_is_left_out() -> None:
    """Each is in the tables above, or exact, or gives no float64."""
    floating = {u for u in ALL_UFUNCS if any("d" in kind.split("->")[1] for kind in u.types)}
    assert {u.__name__ for u in floating - {*ELEMENTWISE, *PRODUCTS}} <= EXACT_UFUNCS
    assert EXACT_UFUNCS.isdisjoint({u.__name__ for u in (*ELEMENTWISE, *PRODUCTS)})
    assert {u.__name__ for u in ALL_UFUNCS} | {"clip"} >= EXACT_UFUNCS


def test_the_same_run_gives_the_same_bits_and_another_run_others() -> None:
    for ufunc in ELEMENTWISE:
        given = arguments(ufunc)
        first, second = (measure(ufunc, given, runs=2) for _ in range(2))
        np.testing.assert_array_equal(first, second, err_msg=ufunc.__name__)
        assert not np.array_equal(first[0], first[1]), ufunc.__name__


@pytest.mark.parametrize("ufunc", [u for u in ELEMENTWISE if u is not np.float_power], ids=lambda u: u.__name__)
def test_float32_is_left_alone_and_errs_again_when_it_is_float64(ufunc: np.ufunc) -> None:
    given = [v.astype(np.float32) for v in arguments(ufunc)]
    plain = ufunc(*given)
    with noise(0.1, 1):
        found = ufunc(*[noisy(v) for v in given])
        again = np.exp(found.astype(np.float64))
    np.testing.assert_array_equal(np.array(found), plain)
    assert found.dtype == np.float32
    assert isinstance(again, NoisyArray), f"seed {SEED}"
    assert (np.array(again) != np.exp(plain.astype(np.float64))).all()
