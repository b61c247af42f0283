"""Configuration -> the samples that a run learns from, and those that are held out, in the run's dtype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array, in_dtype
from runner.config import build
from runner.data.base import Data, Target
from runner.errors import ConfigError

BLOCK = 2**20
"""Numbers that are looked at at once."""


@dataclass(frozen=True)
class Learnt:
    """x (samples, *sample) and y (samples, *out); numbers that are no whole ones are float64, or in the run's dtype."""

    x: Array
    y: Array


def load_samples(config: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Learnt, Learnt | None]:
    """What is learnt from, and what is held out.

    What is larger than memory lies in a file, mapped, in float64; all else is in ``dtype``, whole numbers excepted.

    Raises:
        ConfigError: A key or a file is wrong, or a value is not finite in ``dtype``.
    """
    data = build(config["data"], "data", Data)
    target = build(config["target"], "target", Target)
    try:
        parts = data.load(config["seed"], target.columns())
    except ConfigError as error:
        raise error.below("data") from error
    try:
        with np.errstate(over="ignore"):
            y, held_y = target.make(parts, config["seed"])
    except ConfigError as error:
        raise error.below("target") from error
    held_out = None
    if parts.held_out is not None and held_y is not None:
        held_out = Learnt(_in_run("data", parts.held_out.x, dtype), _in_run("target", held_y, dtype))
    return Learnt(_in_run("data", parts.train.x, dtype), _in_run("target", y, dtype)), held_out


def _in_run(key: str, values: Array, dtype: np.dtype[Any]) -> Array:
    rows = max(1, BLOCK * len(values) // max(1, values.size))
    for start in range(0, len(values), rows):
        with np.errstate(over="ignore"):
            block = in_dtype(values[start : start + rows], dtype)
        if not np.isfinite(block).all():
            words = "values that are finite in the run's dtype"
            raise ConfigError(key, f"values beyond the range of {dtype.name}", words)
    if isinstance(values, np.memmap):
        return values
    made = in_dtype(values, dtype)
    made.flags.writeable = False  # all backends are given the same arrays
    return made
