"""What values a number of a configuration may have, and the complaint where it has another."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from runner.errors import ConfigError, choices


def from_zero(**values: float) -> None:
    """Raises ConfigError where one is negative or not finite; its key is the value's name."""
    for key, value in values.items():
        if not (isfinite(value) and value >= 0):
            raise ConfigError(key, value, "a finite number from 0")


def two_betas(betas: Sequence[float]) -> None:
    """Raises ConfigError where these are not the two that torch takes."""
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ConfigError("betas", list(betas), "two numbers from 0 to below 1")


def one_of(key: str, got: str, words: Sequence[str]) -> None:
    """Raises ConfigError where ``got`` is none of the words."""
    if got not in words:
        raise ConfigError(key, repr(got), choices(words, got))


def whole(key: str, got: int, least: int) -> None:
    """Raises ConfigError where ``got`` is below ``least``."""
    if got < least:
        raise ConfigError(key, got, f"a whole number from {least}")
