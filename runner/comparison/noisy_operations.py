"""NumPy's operations as noisy arithmetic takes them: which round, which sum, which only move values."""

from __future__ import annotations

from typing import Any

import numpy as np

# fmt: off
EXACT_UFUNCS = frozenset([
    "negative", "positive", "absolute", "fabs", "sign", "copysign", "maximum", "minimum", "fmax", "fmin", "clip",
    "floor", "ceil", "trunc", "rint", "conjugate", "heaviside", "nextafter", "spacing", "modf", "frexp", "ldexp",
    "fmod", "remainder", "floor_divide", "divmod",
])
# fmt: on
"""Ufuncs whose results are not rounded. (A remainder is, where signs differ; but whole numbers have to stay whole.)"""

SUMS_OF_PRODUCTS = frozenset([np.matmul, np.vecdot, np.matvec, np.vecmat])
"""Ufuncs whose operands err too: a product of one term alone has no rounding of a sum to show."""

SUMS, FOLDS = frozenset([np.add, np.subtract, np.logaddexp, np.logaddexp2]), ("reduce", "accumulate", "reduceat")
"""Ufuncs that can cancel, and the methods that do them many times over: there operands err too."""

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
    np.unique, np.lib.stride_tricks.sliding_window_view, np.shares_memory, np.array_equal,
])
# fmt: on
"""Array functions that move or make values and round none."""

# fmt: off
SUMMING: frozenset[Any] = frozenset([
    np.dot, np.vdot, np.inner, np.outer, np.tensordot, np.einsum, np.trace, np.convolve,
])
# fmt: on
"""Array functions that sum products in compiled code: operands and results err."""

# fmt: off
TARGETS: dict[Any, tuple[str, int]] = {
    np.copyto: ("dst", 0), np.put_along_axis: ("arr", 0), np.concatenate: ("out", 2), np.take: ("out", 3),
    np.dot: ("out", 2), np.outer: ("out", 2), np.trace: ("out", 5),
}
# fmt: on
"""Name and place of the argument that is written into, where it need not be ``out=``."""
