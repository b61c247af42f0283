"""What the training part tells of each column: missing values and scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.base import Parts
from runner.data.store import blocks_of
from runner.errors import ConfigError


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation (that of n, not of n - 1) of every column, of the shape of a row.

    The deviation is 1 where a column is constant, and NaN counts as the mean.
    """

    mean: Array
    deviation: Array

    def apply(self, x: Array, *, fill: bool, scale: bool) -> None:
        """In place: NaN becomes the mean where ``fill``, and x (x - mean) / deviation where ``scale``."""
        for part in blocks_of(x):
            rows = x[part]
            if fill:
                np.copyto(rows, self.mean, where=np.isnan(rows))
            if scale:
                rows -= self.mean
                rows /= self.deviation


def scale_of(x: Array, names: Sequence[str]) -> Scale:
    """The scale of float64 rows (samples, *row), in three passes over them.

    Computed from (x - lowest) / (highest - lowest), so that a constant column is known for one and nothing overflows.

    Raises:
        ConfigError: A column, called by its place in ``names``, has no value or too wide a range.
    """
    low, high = np.full(x.shape[1:], np.inf), np.full(x.shape[1:], -np.inf)
    for part in blocks_of(x):
        np.fmin(low, np.fmin.reduce(x[part]), out=low)
        np.fmax(high, np.fmax.reduce(x[part]), out=high)
    _refuse(low > high, names, "missing", "mean, and no value to learn it from", "values in every column")
    with np.errstate(over="ignore"):
        span = high - low
    _refuse(~np.isfinite(span), names, "standardise", "true, and a range beyond float64", "false, or smaller values")
    unit = np.where(span > 0, span, 1.0)
    total, count = np.zeros_like(low), np.zeros_like(low)
    for part in blocks_of(x):
        total += np.nansum((x[part] - low) / unit, axis=0)
        count += np.isfinite(x[part]).sum(axis=0)
    middle = total / count
    squares = np.zeros_like(low)
    for part in blocks_of(x):
        squares += np.nansum(np.square((x[part] - low) / unit - middle), axis=0)
    deviation = unit * np.sqrt(squares / len(x))
    return Scale(low + unit * middle, np.where((span > 0) & (deviation > 0), deviation, 1.0))


def adjust(parts: Parts, names: Sequence[str], *, fill: bool, scale: bool) -> None:
    """In place, the inputs of both parts by the scale of the training part.

    Raises:
        ConfigError: A column has no value there or too wide a range.
    """
    if not (fill or scale):
        return
    found = scale_of(parts.train.x, names)
    for samples in (parts.train, parts.held_out):
        if samples is not None:
            found.apply(samples.x, fill=fill, scale=scale)


def _refuse(wrong: Array, names: Sequence[str], key: str, what: str, allowed: str) -> None:
    if wrong.any():
        raise ConfigError(key, f"{what}, in column {names[int(np.argmax(wrong))]!r}", allowed)
