"""How far apart two steps are, tensor by tensor, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.comparison.tensors import Layout, gather

SAFE = 1e-140
"""Values from this to its reciprocal can be squared, and what is 1e-7 of them too."""


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
    max_abs, max_rel, squares = (np.zeros(len(layout.names)) for _ in range(3))
    with np.errstate(all="ignore"):
        for block in layout.blocks:
            a, b = u[block.place], g[block.place]
            d = np.subtract(a, b)
            np.abs(d, out=d)
            gather(np.maximum, max_abs, d, block)
            scale = np.abs(a)
            np.maximum(scale, np.abs(b), out=scale)
            np.divide(d, scale, out=scale)
            gather(np.fmax, max_rel, scale, block)  # 0 / 0 is no deviation
            np.square(d, out=d)
            gather(np.add, squares, d, block)
        return Deviation(max_abs, np.where(np.isnan(max_abs), np.nan, max_rel), _rms(layout, u, g, max_abs, squares))


def _rms(layout: Layout, u: Array, g: Array, max_abs: Array, squares: Array) -> Array:
    """The root mean square of each tensor of u - g; summed again, scaled, where squares leave the range."""
    unit = np.where((max_abs > 0) & np.isfinite(max_abs), max_abs, 1.0)
    if ((unit > SAFE) & (unit < 1 / SAFE)).all():
        return np.asarray(np.sqrt(squares / layout.sizes))
    scaled = np.square((u - g) / np.repeat(unit, layout.sizes))
    return np.asarray(unit * np.sqrt(np.add.reduceat(scaled, layout.starts) / layout.sizes))
