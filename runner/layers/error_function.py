"""erf(z / sqrt(2)): scipy's, and one for float32 alone, where scipy's takes 30 times as long as torch's."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers

# fmt: off
COEFFICIENTS = tuple(np.float32(c * 0.5**k * sqrt(0.5)) for k, c in enumerate([
    1.12837925, 1.02769864e-1, -1.95288104e-4, -6.14838306e-4, 8.45966150e-5, -4.79461279e-6, 2.75769670e-8,
    5.42156440e-9,
]))
# fmt: on
"""C of artanh(erf(x)) / x = C(x^2), at x = z / sqrt(2): the minimax polynomial of degree 7 for |x| up to 4.

From there on C rises and erf is 1. tests/layers/test_error_function.py holds it against mpmath.
"""


def make_erf(buffers: Buffers) -> Callable[[Array, Array], object]:
    """(z, out) -> erf(z / sqrt(2)), written into ``out``; of the shape and dtype of the layer's input."""
    return SingleErf(buffers).write if buffers.empty(()).dtype == np.float32 else _by_scipy()


class SingleErf:
    """erf(z / sqrt(2)) = tanh(z C(z^2 / 2)), to 4 units in the last place."""

    def __init__(self, buffers: Buffers) -> None:
        self.t = buffers.empty(buffers.input_shape)

    def write(self, z: Array, out: Array) -> None:
        t = self.t
        np.multiply(z, z, out=t)
        *others, last = COEFFICIENTS
        np.multiply(t, last, out=out)
        for coefficient in reversed(others[1:]):
            np.add(out, coefficient, out=out)
            np.multiply(out, t, out=out)
        np.add(out, others[0], out=out)
        np.multiply(out, z, out=out)
        np.tanh(out, out=out)


def _by_scipy() -> Callable[[Array, Array], object]:
    from scipy.special import erf  # imported here: loading scipy takes longer than most runs

    def write(z: Array, out: Array) -> None:
        np.multiply(z, sqrt(0.5), out=out)
        erf(out, out=out)

    return write
