"""Lines of many points, shown by fewer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from runner.arrays import Array

POINTS = 2000


def outline(values: Array, most: int = POINTS) -> Array:
    """Places of at most ``most`` values that show the same line: the least and the largest of every stretch of them.

    What is not finite counts as the largest.
    """
    if len(values) <= most:
        return np.arange(len(values))
    told = np.where(np.isfinite(values), values, np.inf)
    found = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), most // 2 - 1):
        found |= {int(part[np.argmin(told[part])]), int(part[np.argmax(told[part])])}
    return np.array(sorted(found))


def outline_of_all(lines: Iterable[Array], most: int) -> Array:
    """Places that show several lines over the same steps, ``most`` of each at most; sorted."""
    return np.unique(np.concatenate([outline(values, most) for values in lines]))
