"""Samples that are held out of the training."""

from __future__ import annotations

from runner.arrays import Array
from runner.data.base import Parts, Samples, Stream, generator
from runner.data.store import blocks, by_rows, permutation
from runner.errors import ConfigError


def split(samples: Samples, held_out: float, seed: int) -> Parts:
    """The last round(held_out * n) of n samples in an order drawn from the seed are held out, at least one.

    Where ``held_out`` is 0 the samples stay as they are, in their own order.

    Raises:
        ConfigError: No sample is left to learn from.
    """
    if not held_out:
        return Parts(samples)
    count = len(samples.x)
    left = count - max(1, round(held_out * count))
    if left < 1:
        raise ConfigError("held_out", held_out, f"a part that leaves one to learn from, of samples: {count}")
    order = permutation(count, generator(seed, Stream.SPLIT))
    return Parts(_taken(samples, order[:left]), _taken(samples, order[left:]))


def _taken(samples: Samples, rows: Array) -> Samples:
    y = None if samples.y is None else _rows(samples.y, rows)
    return Samples(_rows(samples.x, rows), y, {name: _rows(column, rows) for name, column in samples.columns.items()})


def _rows(array: Array, rows: Array) -> Array:
    return by_rows(lambda part: array[rows[part]], blocks(len(rows), array.nbytes // len(array)))
