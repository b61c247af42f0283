"""Columns that are called by their names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from runner.errors import ConfigError, choices


class TargetsColumnError(ConfigError):
    """A target asks for columns that cannot be had; the key, empty here, is that of the target which names them."""


MOST_LISTED = 30
"""Names that fit a line; of more, those that are near are told."""


def refuse_columns(columns: Sequence[str]) -> None:
    """Raises ConfigError if a target asks this data, whose columns have no names, for any."""
    if columns:
        raise ConfigError("", f"no column {columns[0]!r}", "data whose columns have names, as csv or iris has")


def find_columns(names: Sequence[str], wanted: Sequence[str], key: str | None = None) -> None:
    """Raises ConfigError for the first of ``wanted`` that is not among ``names``; for None, the target's is the key."""
    missing = next((name for name in wanted if name not in names), None)
    if missing is not None:
        listed = names if len(names) <= MOST_LISTED else difflib.get_close_matches(missing, names, n=5)
        otherwise = f"the name of one of its {len(names)} columns" if names else "a file whose columns have names"
        allowed = choices(listed, missing) if listed else otherwise
        got = f"no column {missing!r}"
        raise TargetsColumnError("", got, allowed) if key is None else ConfigError(key, got, allowed)
