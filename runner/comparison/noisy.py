"""Noisy arithmetic: arrays whose every rounded result errs a little more than rounding makes it err."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from runner.arrays import Array, Shape

# fmt: off
SIGNS_AND_CHOICES = [
    "negative", "positive", "absolute", "fabs", "sign", "copysign", "maximum", "minimum", "fmax", "fmin",
]
# fmt: on
EXACT_UFUNCS = frozenset([*SIGNS_AND_CHOICES, "floor", "ceil", "trunc", "rint", "clip"])
"""Ufuncs whose results are not rounded."""

SUMS_OF_PRODUCTS = frozenset([np.matmul, np.vecdot, np.matvec, np.vecmat])
"""Ufuncs whose operands err too: a product of one term alone has no rounding of a sum to show."""

# fmt: off
THROUGH: frozenset[Any] = frozenset([
    np.sum, np.prod, np.mean, np.var, np.std, np.cumsum, np.cumprod, np.diff, np.max, np.min, np.amax, np.amin,
    np.ptp, np.clip, np.any, np.all, np.argmax, np.argmin, np.count_nonzero,
])
# fmt: on
"""Array functions that NumPy itself builds from ufuncs, where the noise comes in."""

# fmt: off
PLACING: frozenset[Any] = frozenset([
    np.where, np.concatenate, np.stack, np.vstack, np.hstack, np.pad, np.take, np.take_along_axis, np.repeat,
    np.tile, np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.squeeze, np.expand_dims,
    np.broadcast_to, np.split, np.array_split, np.roll, np.flip, np.copy, np.sort, np.argsort, np.atleast_1d,
    np.atleast_2d, np.empty_like, np.zeros_like, np.ones_like, np.full_like, np.diagonal, np.diag, np.tril,
    np.triu, np.nan_to_num, np.copyto, np.put_along_axis, np.shape, np.ndim, np.size, np.nonzero, np.flatnonzero,
    np.unique, np.lib.stride_tricks.sliding_window_view, np.lib.stride_tricks.as_strided, np.shares_memory,
    np.array_equal,
])
# fmt: on
"""Array functions that move or make values and round none."""

# fmt: off
SUMMING: frozenset[Any] = frozenset([
    np.dot, np.vdot, np.inner, np.outer, np.tensordot, np.einsum, np.trace, np.convolve,
])
# fmt: on
"""Array functions that sum products in compiled code: operands and results err."""


class NoisyArray(np.ndarray[Any, Any]):
    """A float64 array whose every rounded result errs by plus or minus ``error``, relatively.

    Monte Carlo arithmetic (Parker 1997) with a sign that is a hash of the value, the operation and the run instead of
    a fresh draw: equal computations err equally, exact ties stay ties, and a run can be repeated to the bit. The
    operands of sums and matrix products err too. A call that would lose the noise in silence is a TypeError.

    Class attributes, set for a run by ``noise``:
        error: The relative error.
        run: The number of the run.
        near_zero: Whether results that are exactly 0 fall on either side of it.
    """

    error = 0.0
    run = 0
    near_zero = False

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if method == "at":
            return _at(ufunc, *inputs)
        operands = [plain(i) for i in inputs]
        kwargs = {key: plain(value) for key, value in kwargs.items()}
        if out is not None:
            _refuse_plain(name, out)
            kwargs["out"] = tuple(plain(o) for o in out)
        summing = ufunc is np.add and method in ("reduce", "accumulate", "reduceat")
        if summing or ufunc in SUMS_OF_PRODUCTS:
            operands = [noisy(v, f"{name}{i}") if isinstance(v, np.ndarray) else v for i, v in enumerate(operands)]
        result = getattr(ufunc, method)(*operands, **kwargs)
        if out is None:
            return tuple(_wrap(r, name) for r in result) if isinstance(result, tuple) else _wrap(result, name)
        for o in kwargs["out"]:
            if o is not None and name not in EXACT_UFUNCS:
                np.copyto(o, noisy(o, name), where=kwargs.get("where", True))
        return out[0] if len(out) == 1 else out

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in THROUGH:
            return super().__array_function__(func, types, args, kwargs)
        if func in PLACING:
            return _view(func(*plain(args), **plain(kwargs)))
        if func in SUMMING:
            erring = _map(args, lambda v, i: noisy(v, f"{func.__name__}{i}"))
            out = kwargs.get("out")
            result = func(*erring, **plain(kwargs))
            if out is None:
                return _map(_view(result), lambda v, _: noisy(v, func.__name__).view(NoisyArray))
            np.copyto(plain(out), noisy(plain(out), func.__name__))
            return out
        raise TypeError(f"noisy arithmetic does not cover numpy's {func.__name__}: its rounding would not be seen")

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return np.asarray(found).view(NoisyArray) if isinstance(found, np.float64) else found

    def dot(self, b: Any, out: Any = None) -> Any:
        return np.dot(self, b, out=out)


def plain(value: Any) -> Any:
    """``value`` with every noisy array in it, however deep in lists, tuples and mappings, as a plain view."""
    if isinstance(value, NoisyArray):
        return value.view(np.ndarray)
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return {key: plain(item) for key, item in value.items()} if type(value) is dict else value


def noisy(values: Any, operation: str) -> Any:
    """Float64 values with an error of plus or minus the noise's size each, in a new array; anything else as it is."""
    values = plain(values)
    if not isinstance(values, np.ndarray) or values.dtype != np.float64:
        return values
    if NoisyArray.near_zero:
        side = np.random.default_rng((NoisyArray.run, values.size)).choice([-1e-250, 1e-250], values.shape)
        values = np.where(values == 0, side, values)
    bits = np.ascontiguousarray(values).view(np.uint64).reshape(values.shape)
    salt = np.uint64(zlib.crc32(operation.encode()) * 0x9E3779B1 + NoisyArray.run * 0x85EBCA6B)
    with np.errstate(over="ignore", invalid="ignore"):
        h = (bits ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        sign = 2.0 * (h >> np.uint64(63)).astype(np.float64) - 1.0
        return np.asarray(values * (1.0 + NoisyArray.error * sign))


class noise:  # noqa: N801  (reads as a verb where it is used)
    """Sets error, run and near_zero of the noise for a ``with`` block."""

    def __init__(self, error: float, run: int, near_zero: bool = False) -> None:
        self.values = (error, run, near_zero)

    def __enter__(self) -> Self:
        self.before = (NoisyArray.error, NoisyArray.run, NoisyArray.near_zero)
        NoisyArray.error, NoisyArray.run, NoisyArray.near_zero = self.values
        return self

    def __exit__(self, *_: object) -> None:
        NoisyArray.error, NoisyArray.run, NoisyArray.near_zero = self.before


def empty_noisy(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """An uninitialised noisy array, for a backend's buffers."""
    return np.empty(shape, dtype).view(NoisyArray)


def _at(ufunc: np.ufunc, target: Any, indices: Any, *values: Any) -> None:
    """``ufunc.at``: what is added errs, and so does each result, once."""
    name, where = ufunc.__name__, plain(indices)
    array = plain(target)
    _refuse_plain(name, (target,))
    ufunc.at(array, where, *[noisy(v, f"{name}1") for v in values])
    if name not in EXACT_UFUNCS:
        touched = np.zeros(array.shape, bool)
        touched[where] = True
        array[touched] = noisy(array[touched], name)


def _refuse_plain(name: str, outs: tuple[Any, ...]) -> None:
    for out in outs:
        if out is not None and not isinstance(out, NoisyArray) and out.dtype == np.float64:
            raise TypeError(f"numpy.{name} would write a noisy result into a plain buffer, where the noise is lost")


def _wrap(result: Any, name: str) -> Any:
    array = np.asarray(result)
    if array.dtype != np.float64:
        return result
    return (array if name in EXACT_UFUNCS else noisy(array, name)).view(NoisyArray)


def _view(result: Any) -> Any:
    return _map(result, lambda v, _: v.view(NoisyArray) if v.dtype == np.float64 else v)


def _map(value: Any, change: Callable[[Any, int], Any]) -> Any:
    """``change`` done to every array (or NumPy float) in ``value``, with its place in the list."""
    if isinstance(value, list | tuple):
        return type(value)(_map_one(item, i, change) for i, item in enumerate(value))
    return _map_one(value, 0, change)


def _map_one(value: Any, i: int, change: Callable[[Any, int], Any]) -> Any:
    value = np.asarray(value) if isinstance(value, np.float64) else value
    return change(value, i) if isinstance(value, np.ndarray) else value
