"""Methods and operators keep the noise, or are refused: none loses it in silence.

What is not covered, since nobody asks us: ``float(x)``, ``x.item()``, ``x.tolist()`` and ``math.exp(x[0])`` give plain
Python numbers; ``np.asarray(x)``, ``np.array(x)``, ``np.ascontiguousarray(x)``, ``x.view(np.ndarray)``, ``as_strided``
and ``np.nditer`` give plain arrays (SciPy's softmax and log_softmax begin with the first); ``plain[...] = x`` and
``plain.put(i, x)`` put the numbers into a plain array; ``plain.dot(x)`` and ``plain.choose([x])`` are methods of plain
arrays; and arithmetic of plain arrays among themselves, such as (x > 0).mean(), has no noise. A remainder of operands
of different sign is rounded, and counts as exact.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from mpmath import mp
from scipy import special

from runner.comparison.rounding import noise
from tests.comparison.noise_calls import (
    ERROR,
    SEED,
    Call,
    Wanted,
    assert_noise,
    measure,
    noisy,
    one_rounding,
    sums_of,
)
from tests.comparison.test_noise_functions import (
    COLUMNS,
    DX,
    MEAN,
    PAIRS,
    RUNNING,
    X,
    Y,
    assert_same,
    from_square,
    into,
    std,
    variance,
)

# fmt: off
METHODS: dict[str, Call] = {
    "max": lambda x: x.max(axis=0), "min": lambda x: x.min(), "clip": lambda x: x.clip(0.7, 1.1), "T": lambda x: x.T,
    "mT": lambda x: x.mT, "copy": lambda x: x.copy(), "astype": lambda x: x.astype(float), "real": lambda x: x.real,
    "conj": lambda x: x.conj(), "conjugate": lambda x: x.conjugate(), "take": lambda x: x.take(3),
    "repeat": lambda x: x.repeat(2), "reshape": lambda x: x.reshape(-1), "ravel": lambda x: x.ravel(),
    "flatten": lambda x: x.flatten(), "squeeze": lambda x: x.squeeze(), "swapaxes": lambda x: x.swapaxes(0, 1),
    "transpose": lambda x: x.transpose(1, 0), "diagonal": lambda x: x.diagonal(), "view": lambda x: x[0].view(),
    "compress": lambda x: x.compress([True, False], axis=0), "sort": lambda x: into(type(x).sort, x),
    "partition": lambda x: into(type(x).partition, x, 2), "fill": lambda x: into(type(x).fill, x, 1.3),
    "put": lambda x: into(type(x).put, x, [1], x[0, 0]), "argsort": lambda x: x.argsort(), "imag": lambda x: x.imag,
    "argpartition": lambda x: x.argpartition(2), "argmax": lambda x: x.argmax(), "argmin": lambda x: x.argmin(axis=0),
    "all": lambda x: x.all(), "any": lambda x: x.any(axis=0), "nonzero": lambda x: x.nonzero(),
    "searchsorted": lambda x: x[0].searchsorted(1.0), "round": lambda x: x.round(),
    "byteswap": lambda x: x.byteswap().byteswap(), "resize": lambda x: into(type(x).resize, x, (2, 8), refcheck=False),
    "to_device": lambda x: x.to_device("cpu"),
    "__copy__": copy.copy, "__deepcopy__": copy.deepcopy, "__reduce__": lambda x: pickle.loads(pickle.dumps(x)),
    "__getitem__": lambda x: x[0, 0], "__iter__": lambda x: list(x[0]), "__abs__": abs, "__neg__": lambda x: -x,
}
ROUNDING_METHODS: dict[str, tuple[Call, Wanted]] = {
    "sum": (lambda x, y: x.sum(axis=0), sums_of(COLUMNS, 1)), "mean": (lambda x, y: x.mean(axis=0), MEAN),
    "prod": (lambda x, y: x.prod(axis=0), one_rounding(DX.prod(axis=0))),
    "var": (lambda x, y: x.var(axis=0), from_square(*variance())), "std": (lambda x, y: x.std(axis=0), std()),
    "cumsum": (lambda x, y: x.cumsum(axis=0).T.reshape(-1), sums_of(RUNNING, 1)),
    "cumprod": (lambda x, y: x.cumprod(axis=0), one_rounding(np.multiply.accumulate(DX))),
    "dot": (lambda x, y: x.dot(y), sums_of(PAIRS, 2)), "trace": (lambda x, y: x.trace(), sums_of(DX.diagonal(), 1)),
}
# fmt: on
LEAVING = {"item", "tolist", "tobytes", "tofile", "dump", "dumps", "getfield", "setfield"}
"""Methods after which there is no array any more; see above."""
DESCRIBING = {"base", "choose", "ctypes", "data", "device", "dtype", "flags", "itemsize", "nbytes", "ndim", "setflags"}
"""What is no array of floats, or takes none."""


@pytest.mark.parametrize("name", ROUNDING_METHODS)
def test_a_method_errs_as_50_digits_say(name: str) -> None:
    assert_noise(measure(ROUNDING_METHODS[name][0], (X, Y)), ROUNDING_METHODS[name][1], name)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_rounds_nothing_neither_adds_noise_nor_loses_it(name: str) -> None:
    with noise(0.1, 3):
        found = METHODS[name](noisy(X))
    assert_same(found, METHODS[name](X.copy()), f"{name}, seed {SEED}")


REFUSED: dict[str, Call] = {
    "linalg.norm": lambda x: np.linalg.norm(x),
    "linalg.solve": lambda x: np.linalg.solve(x, x),
    "linalg.inv": lambda x: np.linalg.inv(x),
    "linalg.matmul": lambda x: np.linalg.matmul(x, x),
    "fft": lambda x: np.fft.fft(x),
    "interp": lambda x: np.interp(x[0], np.arange(4), np.arange(4)),
    "median": lambda x: np.median(x),
    "percentile": lambda x: np.percentile(x, 30),
    "cross": lambda x: np.cross(x[:, :3], x[:, :3]),
    "kron": lambda x: np.kron(x, x),
    "average": lambda x: np.average(x),
    "round": lambda x: np.round(x, 2),
    "the method round to digits": lambda x: x.round(2),
    "a pad that is a mean": lambda x: np.pad(x, 1, mode="mean"),
    "a pad that is a ramp": lambda x: np.pad(x, 1, "linear_ramp"),
    "flat": lambda x: x.flat[0],
    "complex numbers": lambda x: x * 1j,
    "their size": lambda x: np.abs(x.astype(complex)),
    "objects": lambda x: np.frompyfunc(lambda v: 1.1 * v, 1, 1)(x),
    "vectorize": lambda x: np.vectorize(lambda v: 1.1 * v)(x),
    "logsumexp of SciPy": lambda x: special.logsumexp(x),
    "a plain out": lambda x: np.exp(x, out=np.zeros((4, 4))),
    "a plain float32 out": lambda x: np.exp(x, out=np.zeros((4, 4), np.float32)),
    "a plain out of a reduction": lambda x: np.add.reduce(x, out=np.zeros(4)),
    "a plain out of a method": lambda x: x.sum(axis=0, out=np.zeros(4)),
    "a plain out of a product": lambda x: np.dot(x, x, np.zeros((4, 4))),
    "a plain out of einsum": lambda x: np.einsum("ij,jk", x, x, out=np.zeros((4, 4))),
    "a plain out of take": lambda x: np.take(x, [0], 0, np.zeros((1, 4))),
    "a plain out of concatenate": lambda x: np.concatenate((x, x), out=np.zeros((8, 4))),
    "a plain array to copy to": lambda x: np.copyto(np.zeros((4, 4)), x),
    "a plain array to put into": lambda x: np.put_along_axis(np.zeros((4, 4)), np.argsort(x), x, 1),
    "a plain array to add at": lambda x: np.add.at(np.zeros((4, 4)), [0], x[0]),
    "a plain array on the left of +=": lambda x: np.zeros((4, 4)).__iadd__(x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_the_noise_in_silence_is_refused(name: str) -> None:
    with noise(ERROR, 1), pytest.raises(TypeError, match=r"not cover|noise is lost"):
        REFUSED[name](noisy(X))


def test_every_method_and_attribute_is_tried() -> None:
    tried = {*METHODS, *ROUNDING_METHODS, *LEAVING, *DESCRIBING, "flat", "shape", "size", "strides"}
    assert {name for name in dir(np.ndarray) if not name.startswith("_")} <= tried


def test_noise_is_in_sums_and_choices_of_single_elements() -> None:
    """Python's own sum, max and loops go through the elements, which are noisy arrays too."""
    for call in (
        lambda x, y: sum(x[0]),
        lambda x, y: max(x[0]) * 1.0,
        lambda x, y: 2 * x[0, 0],
        lambda x, y: x.max() ** 3,
    ):
        found = measure(call, (X, Y))
        assert (found.std(axis=0) > ERROR / 3 * found.mean(axis=0)).all(), f"seed {SEED}"


def test_softplus_of_scipy_errs() -> None:
    if not hasattr(special, "softplus"):
        pytest.skip("SciPy before 1.15")
    wanted = one_rounding(np.frompyfunc(lambda v: mp.log1p(mp.exp(v)), 1, 1)(DX))
    assert_noise(measure(lambda x, y: special.softplus(x), (X, Y)), wanted, "softplus")
