"""Noisy arithmetic: arrays whose every rounded result errs a little more than rounding makes it err."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from runner.arrays import Array, Shape
from runner.comparison.noisy_operations import (
    EXACT_UFUNCS,
    FOLDS,
    PLACING,
    SUMMING,
    SUMS,
    SUMS_OF_PRODUCTS,
    TARGETS,
    THROUGH,
)

SMALLEST_NORMAL = 2.0**-1022
"""Below it float64 has fewer digits."""


class NoisyArray(np.ndarray[Any, Any]):
    """A float64 array whose every rounded result errs by plus or minus ``error``, relatively.

    Monte Carlo arithmetic (Parker 1997) with a sign that is a hash of the value, the operation and the run instead of
    a fresh draw: equal computations err equally, exact ties stay ties, and a run can be repeated to the bit. The
    operands of sums and matrix products err too. A call that would lose the noise in silence is a TypeError.

    Class attributes, set for a run by ``noise``:
        error: The relative error.
        run: The number of the run.
        near_zero: Whether results that are exactly 0 fall on either side of it.
        ties: Where comparisons of equal numbers, and the sign of 0, fall: as they do (0), all up (1), all down (-1).
        apart: Whether the sign is a hash of the place in the array too: equal values err apart, and ties part.
    """

    error = 0.0
    run = 0
    near_zero = False
    ties = 0
    apart = False

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if method == "at":
            return _at(ufunc, *inputs)
        if NoisyArray.ties and ufunc is np.sign:
            return np.where(plain(inputs[0]) == 0, NoisyArray.ties, np.sign(plain(inputs[0]))).view(NoisyArray)
        ufunc = _at_ties(ufunc)
        operands = [plain(i) for i in inputs]
        kwargs = {key: plain(value) for key, value in kwargs.items()}
        if out is not None:
            _refuse_plain(name, *out)
            kwargs["out"] = tuple(plain(o) for o in out)
        if ufunc in SUMS_OF_PRODUCTS or (ufunc in SUMS and method in FOLDS):
            operands = [noisy(v, f"{name}{i}") if isinstance(v, np.ndarray) else v for i, v in enumerate(operands)]
        for operand in operands:
            _refuse_kind(name, operand)
        result = getattr(ufunc, method)(*operands, **kwargs)
        where = kwargs.get("where", True) if method == "__call__" else True
        outs = (None,) * ufunc.nout if out is None else out
        results = result if isinstance(result, tuple) else (result,)
        found = tuple(_wrap(r, name) if o is None else _err(o, name, where) for r, o in zip(results, outs, strict=True))
        return found if isinstance(result, tuple) else found[0]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in THROUGH:
            return super().__array_function__(func, types, args, kwargs)
        if func not in PLACING | SUMMING or (func is np.pad and not _pads_exactly(args, kwargs)):
            raise TypeError(f"noisy arithmetic does not cover numpy's {func.__name__}: its rounding would not be seen")
        key, place = TARGETS.get(func, ("out", len(args)))
        target = kwargs.get(key, args[place] if place < len(args) else None)
        _refuse_plain(func.__name__, target)
        if func in PLACING:
            return _view(func(*plain(args), **plain(kwargs)))
        given = {**dict(enumerate(args)), **kwargs}
        erring = {k: plain(v) if v is target else noisy(v, f"{func.__name__}{k}") for k, v in given.items()}
        result = func(*[erring.pop(i) for i in range(len(args))], **erring)
        return _wrap(result, func.__name__) if target is None else _err(target, func.__name__)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return np.asarray(found).view(NoisyArray) if isinstance(found, np.floating) else found

    def dot(self, b: Any, out: Any = None) -> Any:
        return np.dot(self, b, out=out)

    def take(self, *args: Any, **kwargs: Any) -> Any:
        return np.take(self, *args, **kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        return np.trace(self, *args, **kwargs)

    @property
    def flat(self) -> Any:
        raise TypeError("noisy arithmetic does not cover .flat, whose elements are plain: use .reshape(-1)")


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
    if NoisyArray.apart:
        bits = bits ^ np.arange(1, bits.size + 1, dtype=np.uint64).reshape(bits.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        h = (bits ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        sign = 2.0 * (h >> np.uint64(63)).astype(np.float64) - 1.0
        erring = np.asarray(values * (1.0 + NoisyArray.error * sign))
    subnormal = (np.abs(values) < SMALLEST_NORMAL) & (values != 0)
    if subnormal.any():  # their rounding is absolute
        erring = erring + subnormal * sign * (NoisyArray.error * SMALLEST_NORMAL)
    return erring


class noise:  # noqa: N801  (reads as a verb where it is used)
    """Sets the class attributes of ``NoisyArray`` for a ``with`` block."""

    def __init__(self, error: float, run: int, near_zero: bool = False, ties: int = 0, *, apart: bool = False) -> None:
        self.values = {"error": error, "run": run, "near_zero": near_zero, "ties": ties, "apart": apart}

    def __enter__(self) -> Self:
        self.before = {name: getattr(NoisyArray, name) for name in self.values}
        self._set(self.values)
        return self

    def __exit__(self, *_: object) -> None:
        self._set(self.before)

    def _set(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(NoisyArray, name, value)


def empty_noisy(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """An uninitialised noisy array, for a backend's buffers."""
    return np.empty(shape, dtype).view(NoisyArray)


def _at(ufunc: np.ufunc, target: Any, indices: Any, *values: Any) -> None:
    """``ufunc.at``: what is added errs, and so does each result, once."""
    name, where, values = ufunc.__name__, plain(indices), plain(values)
    array = plain(target)
    _refuse_plain(name, target)
    ufunc.at(array, where, *[noisy(v, f"{name}1") if ufunc in SUMS else v for v in values])
    touched = np.zeros(array.shape, bool)
    touched[where] = True
    _err(target, name, touched)


def _at_ties(ufunc: np.ufunc) -> np.ufunc:
    """What a comparison becomes where equal numbers fall up, or down."""
    if NoisyArray.ties > 0:
        return np.greater_equal if ufunc is np.greater else np.less_equal if ufunc is np.less else ufunc
    if NoisyArray.ties < 0:
        return np.greater if ufunc is np.greater_equal else np.less if ufunc is np.less_equal else ufunc
    return ufunc


def _refuse_plain(name: str, *outs: Any) -> None:
    for out in outs:
        _refuse_kind(name, out)
        if isinstance(out, np.ndarray) and not isinstance(out, NoisyArray) and out.dtype.kind == "f":
            raise TypeError(f"numpy.{name} would write a noisy result into a plain buffer, where the noise is lost")


def _refuse_kind(name: str, value: Any) -> None:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "cO":
        raise TypeError(f"noisy arithmetic does not cover {value.dtype} numbers, as in numpy.{name}")


def _pads_exactly(args: Any, kwargs: Any) -> bool:
    mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
    return isinstance(mode, str) and mode not in ("mean", "median", "linear_ramp")


def _err(out: Any, name: str, where: Any = True) -> Any:
    """Makes what was written into ``out`` err, and returns it."""
    if name not in EXACT_UFUNCS:
        np.copyto(plain(out), noisy(out, name), where=where)
    return out


def _wrap(result: Any, name: str) -> Any:
    """A result as a noisy array that errs. Float32 does not, but stays a noisy array: it may be float64 again later."""
    _refuse_kind(name, result)
    array = np.asarray(result)
    if array.dtype.kind != "f":
        return result
    return (array if name in EXACT_UFUNCS else noisy(array, name)).view(NoisyArray)


def _view(result: Any) -> Any:
    """A result, or a list or tuple of such, as noisy arrays of the same values."""
    if isinstance(result, list | tuple):
        return type(result)(_view(item) for item in result)
    array = np.asarray(result)
    return array.view(NoisyArray) if array.dtype.kind == "f" else result
