"""Whether what goes on, or is left alone because it has ended, is of the configuration that is asked for now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from runner.errors import ConfigError, RunError, one_line
from runner.records.pending import flatten

CONFIG = "config.yaml"


def bearing(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what does not bear on the run, as JSON gives it back."""
    found: dict[str, Any] = json.loads(json.dumps({key: value for key, value in config.items() if key != "resume"}))
    return found


def check_same(then: Mapping[str, Any], now: Mapping[str, Any], file: Path) -> None:
    """Raises ConfigError where two configurations bear differently on a run: ``file`` has the one of ``then``."""
    if (before := bearing(then)) == (after := bearing(now)):
        return
    told, asked = (dict(flatten(config)) for config in (before, after))
    for key in {**told, **asked}:
        if repr(told.get(key)) != repr(asked.get(key)):  # NaN is the same as NaN
            allowed = f"{_typed(told.get(key))}, as in {file}: a run goes on with the configuration that it has"
            raise ConfigError(key, _typed(asked.get(key)), allowed)


def check_recorded(folder: Path, now: Mapping[str, Any]) -> None:
    """Takes a run that has ended in ``folder`` if it was of this configuration.

    Raises:
        ConfigError: It was of another.
        RunError: What it has left cannot be read.
    """
    file = folder / CONFIG
    try:
        then = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunError(one_line(f"{file}: {error}")) from error
    if not isinstance(then, dict):
        raise RunError(f"{file}: no configuration")
    check_same(then, now, file)


def _typed(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
