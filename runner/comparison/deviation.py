"""How far apart two steps are, tensor by tensor, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.comparison.tensors import Layout

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
    with np.errstate(all="ignore"):
        d = np.subtract(u, g)
        np.abs(d, out=d)
        scale = np.abs(u)
        np.maximum(scale, np.abs(g), out=scale)
        max_abs = np.maximum.reduceat(d, layout.starts)
        np.divide(d, scale, out=scale)
        max_rel = np.nan_to_num(np.fmax.reduceat(scale, layout.starts), nan=0.0, posinf=np.inf)  # 0 / 0 is no deviation
        sizes = np.diff(layout.starts, append=layout.size)
        return Deviation(max_abs, np.where(np.isnan(max_abs), np.nan, max_rel), _rms(layout, d, max_abs, sizes))


def _rms(layout: Layout, d: Array, max_abs: Array, sizes: Array) -> Array:
    """The root mean square of each tensor of ``d``, which is overwritten; scaled where squares leave the range."""
    unit = np.where((max_abs > 0) & np.isfinite(max_abs), max_abs, 1.0)
    if (unit > SAFE).all() and (unit < 1 / SAFE).all():
        unit = np.ones_like(unit)
    else:
        np.divide(d, np.repeat(unit, sizes), out=d)
    np.square(d, out=d)
    return np.asarray(unit * np.sqrt(np.add.reduceat(d, layout.starts) / sizes))
