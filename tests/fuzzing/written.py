"""Values as they are typed on the command line, and as the configuration then holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from runner.catalog import Catalog

Node = dict[str, Any]
"""A layer's name and its keys, or any part of the configuration."""

CATALOG = Catalog()


def written(value: Any) -> str:
    """As Hydra and YAML read it alike."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        digits, e, power = repr(value).partition("e")
        return digits + ("" if "." in digits or value in (float("inf"), -float("inf")) else ".0") + e + power
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return str(value)


def overridden(config: Node, overrides: tuple[str, ...]) -> None:
    """Applies overrides to a configuration without Hydra, which takes a tenth of a second."""
    pairs = [override.split("=", 1) for override in overrides]
    for key, text in pairs:
        if is_group(key):
            config[key] = defaults(key, text)
    for key, text in pairs:
        if not is_group(key):
            *groups, last = key.split(".")
            node = config
            for group in groups:
                node = node[group]
            node[last] = float(text) if text == "inf" else _read(text)


def defaults(group: str, name: str) -> Node:
    """A choice's keys with their defaults."""
    found: Node = _read(CATALOG.find(group, name, group).read_text(encoding="utf-8"))
    return found


def _read(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def is_group(key: str) -> bool:
    """Whether an override of the key is a choice of a file."""
    return key in GROUPS


GROUPS = frozenset(CATALOG.groups())
