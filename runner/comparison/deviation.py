"""How far apart two steps are, tensor by tensor, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.comparison.tensors import Layout


@dataclass(frozen=True)
class Deviation:
    """One value a tensor, in the layout's order (tensors,).

    Attributes:
        max_abs: The largest |u - g|.
        max_rel: The largest |u - g| / max(|u|, |g|); 0 where both are equal.
        rms: The root mean square of u - g.
    """

    max_abs: Array
    max_rel: Array
    rms: Array


def deviation(layout: Layout, u: Array, g: Array) -> Deviation:
    """The deviation of the vector ``u`` from ``g``, both (layout.size,), elementwise.

    A sum of signed differences would be blind to a transposition; nothing is summed here but squares.
    """
    with np.errstate(all="ignore"):
        d = np.abs(u - g)
        scale = np.maximum(np.abs(u), np.abs(g))
        relative = np.where(d == 0, 0.0, d / scale)
        max_abs = np.maximum.reduceat(d, layout.starts)
        sizes = np.diff(layout.starts, append=layout.size)
        unit = np.where((max_abs > 0) & np.isfinite(max_abs), max_abs, 1.0)
        squares = np.add.reduceat((d / np.repeat(unit, sizes)) ** 2, layout.starts)
        return Deviation(max_abs, np.maximum.reduceat(relative, layout.starts), unit * np.sqrt(squares / sizes))
