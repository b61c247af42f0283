"""Richardson's extrapolation to step 0, and its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHRINK = 4.0
"""How much smaller each step is than the one before it."""


@dataclass(frozen=True)
class Estimate:
    """A value extrapolated to step 0, and its estimated error."""

    value: float
    error: float


def ridders(values: Sequence[float], noise: Sequence[float], order: int) -> Estimate:
    """Extrapolates ``values`` at h, h / SHRINK, ... to h = 0; their error is a series in h^order, h^(order + 2), ...

    Richardson's tableau. Of all its entries that one is taken that differs least from the two that it is made of;
    that difference, with the rounding ``noise`` of the values (a number each), is the error. C. J. F. Ridders,
    "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982) 75-76; Press et al.,
    Numerical Recipes, section 5.7. If values at smaller steps lie farther from an entry than rounding takes them, the
    series does not reach so far (a loss that is flat beyond a bend converges nicely to 0), and that is its error.
    """
    best, above = Estimate(np.nan, np.inf), [values[0]]
    smaller = (np.array(values), 4 * np.array(noise))
    for i, (value, own) in enumerate(zip(values[1:], noise[1:], strict=True), 1):
        row = [value]
        for k, before in enumerate(above):
            factor = SHRINK ** (order + 2 * k)
            better = (factor * row[k] - before) / (factor - 1)
            beyond = np.abs(smaller[0][i:] - better) - smaller[1][i:] - abs(value - better)
            error = max(abs(better - row[k]), abs(better - before), float(beyond.max())) + 2 * own
            if error < best.error:
                best = Estimate(better, error)
            row.append(better)
        above = row
    return best
