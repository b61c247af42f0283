"""The array type, the shape alias and the dtypes that every module uses; and what 16 bits need that wider ones do not.

Hardware keeps what a 16-bit kernel computes in float32 and rounds its result. So do these functions. For a wider dtype
they give back NumPy's own function, or the very array: a step in float32 costs nothing more.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]

BFLOAT16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "float16": np.dtype(np.float16),
    "bfloat16": BFLOAT16,
}


def is_whole(values: Array) -> bool:
    """Whether they are whole numbers by their dtype: tokens, classes, counts."""
    return values.dtype.kind in "iu"


def in_dtype(values: Array, dtype: np.dtype[Any]) -> Array:
    """A copy in ``dtype``; whole numbers stay as they are."""
    return values.astype(values.dtype if is_whole(values) else dtype)


def like(values: Array, empty: Callable[[Shape], Array]) -> Array:
    """An uninitialised array of the shape, made by ``empty``; of whole numbers, a plain one of their dtype."""
    return np.empty(values.shape, values.dtype) if is_whole(values) else empty(values.shape)


def is_narrow(dtype: np.dtype[Any]) -> bool:
    """Whether a number of that dtype has 16 bits."""
    return dtype.itemsize < 4


WIDE = tuple(name for name, dtype in DTYPES.items() if not is_narrow(dtype))
"""Those that a formula can be judged in; 16 bits are too few to tell a wrong one from rounding."""


def in_single(ufunc: Callable[..., Array], dtype: np.dtype[Any]) -> Callable[..., Array]:
    """``ufunc`` for arrays of ``dtype``; of 16 bits, it computes and sums in float32 and rounds what it writes once."""
    return partial(ufunc, dtype=np.float32) if is_narrow(dtype) else ufunc


def product_for(array: Array) -> Callable[[Array, Array, Array], Array]:
    """The matrix product a b -> out for arrays like ``array``.

    Of plain matrices it is NumPy's dot, which takes half of matmul's overhead: rows 2-10-10-1 of benchmarks/tables.py.
    """
    plain = type(array) is np.ndarray and array.ndim == 2 and array.dtype.name in ("float32", "float64")
    return np.dot if plain else in_single(np.matmul, array.dtype)


def sum_for(dtype: np.dtype[Any]) -> Callable[..., Array]:
    """np.add.reduce for arrays of ``dtype``; of 16 bits, it sums in float32 and rounds the sum once.

    (Given ``dtype=`` and ``out=``, NumPy's own would round the sum after every 8192 terms.)
    """
    return _sum_in_single if is_narrow(dtype) else np.add.reduce


def working(array: Array) -> Array:
    """Where the steps before the values of ``array`` are kept: itself; of 16 bits, a float32 array of its shape."""
    return np.empty(array.shape, np.float32) if is_narrow(array.dtype) else array


def eps(dtype: np.dtype[Any]) -> float:
    """The distance from 1 to the next number of ``dtype``, which may be any floating-point dtype."""
    return float(ml_dtypes.finfo(dtype).eps)  # type: ignore[no-untyped-call]


def _sum_in_single(values: Array, axis: int, out: Array) -> Array:
    out[...] = np.add.reduce(values, axis=axis, dtype=np.float32)
    return out
