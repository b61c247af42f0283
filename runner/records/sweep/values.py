"""The keys that a sweep sweeps over, and their values of each job as numbers, flags and texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pyarrow as pa
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from runner.shell import as_typed

Value = int | float | bool | str | None

SEED = "seed"
MEASURED = ("backend", "loss", "verdict")
"""Keys of the configuration that are also names of what is measured."""

LONGEST = 500
"""Letters of the values of a key, one by one."""

WIDEST = 2**63
"""Beyond it whole numbers are texts."""


def name_of(override: Override) -> str:
    """The key or group, without the sign that adds it."""
    return override.key_or_group if override.package is None else f"{override.key_or_group}@{override.package}"


def swept_keys(overrides: Sequence[Override]) -> dict[str, str]:
    """Each key that is swept, in order, with its values as one text: one by one, or, if there are many, as typed."""
    found = {}
    for o in filter(Override.is_sweep_override, overrides):
        listed = ",".join(map(_value_typed, o.sweep_string_iterator())) if o.is_discrete_sweep() else ""
        found[name_of(o)] = listed if 0 < len(listed) <= LONGEST else str(o.input_line).partition("=")[2]
    return found


def _value_typed(value: str) -> str:
    """One of a key's values as a person types it."""
    return as_typed(f"key={value}").partition("=")[2]


def column_of(key: str) -> str:
    """The name of a swept key's column."""
    return f"override/{key}" if key in MEASURED else key


def values_of(overrides: Sequence[str]) -> dict[str, Value]:
    """What a job's overrides set, by their keys."""
    return dict(map(_read, overrides))


@cache
def _read(override: str) -> tuple[str, Value]:
    """The key and its value; lists and mappings as they were typed."""
    read = OverridesParser.create().parse_override(override)
    value = read.value()
    if isinstance(value, int | float | bool | str) or value is None:
        return name_of(read), value
    return name_of(read), override.partition("=")[2]


def kind_of(values: Sequence[Value]) -> pa.DataType:
    """The type of a column of these values: whole numbers, numbers, flags, or else texts."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pa.bool_()
    numbers = [value for value in present if isinstance(value, int | float) and not isinstance(value, bool)]
    if not present or len(numbers) < len(present):
        return pa.string()
    if not all(isinstance(value, int) for value in numbers):
        return pa.float64()
    return pa.int64() if all(-WIDEST <= value < WIDEST for value in numbers) else pa.string()


def as_kind(value: Value, kind: pa.DataType) -> Value:
    """The value as one of its column's type."""
    if value is None:
        return None
    if pa.types.is_string(kind):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return float(value) if pa.types.is_floating(kind) else value
