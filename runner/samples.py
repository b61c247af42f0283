"""Configuration -> the samples that a run learns from, and those that are held out, in the run's dtype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array, in_dtype, is_whole
from runner.config import build
from runner.data.base import Data, Parts, Target, parts_of
from runner.data.columns import TargetsColumnError
from runner.data.returned import not_finite
from runner.data.store import blocks_of, by_rows
from runner.data.targets.column import Column
from runner.errors import ConfigError
from runner.losses.base import Loss

BLOCK = 2**20
"""Numbers that are looked at at once."""


@dataclass(frozen=True)
class Learnt:
    """x (samples, *sample) and y (samples, *out); numbers that are no whole ones are float64, or in the run's dtype."""

    x: Array
    y: Array


def load_samples(config: Mapping[str, Any], dtype: np.dtype[Any], loss: Loss) -> tuple[Learnt, Learnt | None]:
    """What is learnt from, and what is held out, y as ``loss`` takes it.

    What is larger than memory lies in a file, mapped, in float64; all else is in ``dtype``, whole numbers excepted.

    Raises:
        ConfigError: A key or a file is wrong, or a value is not finite in ``dtype``.
    """
    return made_samples(*built_sources(config), config["seed"], dtype, loss)


def built_sources(config: Mapping[str, Any]) -> tuple[Data, Target]:
    """Where the samples come from, and what their targets are."""
    return build(config["data"], "data", Data), build(config["target"], "target", Target)


def made_samples(
    data: Data, target: Target, seed: int, dtype: np.dtype[Any], loss: Loss
) -> tuple[Learnt, Learnt | None]:
    """``load_samples`` of what has been built, with a seed."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite is told with its place
        parts, y, held_y = _loaded(data, target, seed)
    held_out = None
    if parts.held_out is not None and held_y is not None:
        held_out = _learnt(parts.held_out.x, _taken(held_y, loss), dtype, " of those held out")
    return _learnt(parts.train.x, _taken(y, loss), dtype), held_out


def _loaded(data: Data, target: Target, seed: int) -> tuple[Parts, Array, Array | None]:
    try:
        parts = parts_of(data.load(seed, target.columns()), type(data).__name__)
    except TargetsColumnError as error:
        raise error.below("target.name" if isinstance(target, Column) else "target") from error
    except ConfigError as error:
        raise error.below("data") from error
    try:
        return parts, *target.make(parts, seed)
    except ConfigError as error:
        raise error.below("target") from error


def _taken(y: Array, loss: Loss) -> Array:
    return by_rows(lambda part: loss.targets(y[part]), blocks_of(y)) if is_whole(y) else y


def _learnt(x: Array, y: Array, dtype: np.dtype[Any], where: str = "") -> Learnt:
    return Learnt(_in_run("data", x, dtype, where), _in_run("target", y, dtype, where))


def _in_run(key: str, values: Array, dtype: np.dtype[Any], where: str) -> Array:
    rows = max(1, BLOCK * len(values) // max(1, values.size))
    for start in range(0, len(values), rows):
        with np.errstate(over="ignore"):
            block = in_dtype(values[start : start + rows], dtype)
        wrong = np.argwhere(~np.isfinite(block))
        if len(wrong):
            value = values[start : start + rows][tuple(wrong[0])]
            got = not_finite(value, f"sample {start + wrong[0][0]}{where}", dtype)
            raise ConfigError(key, got, "values that are finite in the run's dtype")
    if isinstance(values, np.memmap):
        return values
    made = in_dtype(values, dtype)
    made.flags.writeable = False  # all backends are given the same arrays
    return made


def hint_at_classes(target: Mapping[str, Any], y: Array) -> str:
    """What to add to a complaint of a loss of classes where ``target`` could make classes of whole values ``y``."""
    can = target.get("classes") is False and y.shape[1:] == (1,)
    whole = can and all(np.equal(y[part], np.floor(y[part])).all() for part in blocks_of(y))
    return "; or target.classes=true, which makes classes of the column's values" if whole else ""
