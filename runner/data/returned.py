"""Arrays that a class returns, a user's own among them, looked at where they come in."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import BFLOAT16, Array, is_whole
from runner.errors import ConfigError, shortened

LARGEST = int(np.iinfo(np.int64).max)
NUMBERS = "an array of numbers, or lists that make one"


def numbers(value: object, called: str, allowed: str = NUMBERS) -> Array:
    """``value``, said to be ``called``, as an array: int64 where its dtype is one of whole numbers, else float64.

    What is so already stays itself, a map too.

    Raises:
        ConfigError: It is no array of numbers, nor lists that make one; its key is empty.
    """
    try:
        array = value if isinstance(value, np.ndarray) else np.asarray(value)
    except ValueError as error:
        raise ConfigError("", f"{called}, lists that are not equally long", allowed) from error
    if array.dtype in (np.float64, np.int64):
        return array
    if is_whole(array):
        if array.size and array.max() > LARGEST:
            raise ConfigError("", f"{called} with {array.max()} in it", f"whole numbers to {LARGEST}")
        return array.astype(np.int64)
    if array.dtype.kind in "bf" or array.dtype == BFLOAT16:
        return array.astype(np.float64)
    what = f"an array of {array.dtype}" if isinstance(value, np.ndarray) else shortened(value)
    raise ConfigError("", f"{called}, {what}", allowed)


def targets_of(value: object, x: Array, whose: str) -> Array:
    """y, which the class ``whose`` returns for ``x``.

    Raises:
        ConfigError: It is no array of numbers, or has not a row for each sample; its key is empty.
    """
    y = numbers(value, f"y from {whose}")
    if not y.ndim or len(y) != len(x):
        got = f"{len(y)} rows" if y.ndim else f"the single number {y}"
        raise ConfigError("", f"y from {whose}, {got}", f"a row for each of {len(x)} samples")
    return y


def not_finite(value: float, place: str, dtype: np.dtype[Any]) -> str:
    """In words, a number that is infinite in ``dtype`` or no number, and where it stands."""
    return f"{value:g} in {place}" + (f", beyond the range of {dtype.name}" if not np.isnan(value) else "")
