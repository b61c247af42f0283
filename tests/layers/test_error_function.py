"""The error function in float32 against mpmath, over its whole range and beyond."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from runner.arrays import Array
from runner.layers.base import Buffers
from runner.layers.error_function import make_erf


def erf(z: Array) -> Array:
    """erf(z / sqrt(2)), of z's dtype."""
    buffers = Buffers(z.shape, {}, {}, lambda shape: np.empty(shape, z.dtype), False)
    out = np.empty_like(z)
    make_erf(buffers)(z, out)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 3.0, 6.0])
def test_it_is_right_to_a_few_units_in_the_last_place(scale: float, dtype: type) -> None:
    z: Array = (np.linspace(-1, 1, 4001) * scale).astype(dtype)
    with mpmath.workdps(30):
        exact = [mpmath.erf(mpmath.mpf(float(v)) / mpmath.sqrt(2)) for v in z]
        apart = [abs(mpmath.mpf(float(f)) - e) for f, e in zip(erf(z), exact, strict=True)]
    unit = np.spacing(np.abs(np.array([float(e) for e in exact], dtype)))
    worst = max(float(a) / u for a, u in zip(apart, unit.astype(float), strict=True))
    assert worst < 4, f"{worst} units at scale {scale}"


def test_it_is_one_all_the_way_to_infinity() -> None:
    """The polynomial rises beyond the range that it was fitted to; its square overflows, and the sign is kept."""
    z = np.concatenate([np.linspace(5.6, 100, 100_001), np.logspace(2, 38, 1001), [np.inf]]).astype(np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(erf(z), 1)
        np.testing.assert_array_equal(erf(-z), -1)
    assert np.isnan(erf(np.array([np.nan], np.float32))).all()
    assert erf(np.array([0.0], np.float32)) == 0
