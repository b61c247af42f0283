"""Aliases in the YAML files of a user's configuration: Hydra writes them out, however much that is."""

from __future__ import annotations

from math import inf
from pathlib import Path

import yaml

from runner.errors import ConfigError

MOST = 1_000_000
"""Values that a file may stand for."""


def check_aliases(folder: str | None) -> None:
    """Hydra copies what an alias of YAML stands for, each time: of aliases of aliases it would not come to an end.

    Raises:
        ConfigError: A file stands for more than ``MOST`` values, or an alias for itself.
    """
    for file in sorted(Path(folder).rglob("*.yaml")) if folder else []:
        try:
            text = file.read_bytes() if file.is_file() else b""
            root = yaml.compose(text, yaml.CSafeLoader) if b"*" in text else None
        except (OSError, UnicodeError, yaml.YAMLError, RecursionError):  # it may be one that is not asked for
            continue
        count = _values(root, {}) if root is not None else 0
        if count > MOST:
            words = "an alias of itself" if count == inf else f"aliases that stand for {count} values"
            raise ConfigError(file.parent.name, f"{file} ({words})", f"at most {MOST} values")


def _values(node: yaml.Node, known: dict[int, float]) -> float:
    """How many values a node of YAML stands for, aliases written out; infinite where it is part of itself."""
    if id(node) not in known:
        known[id(node)] = inf
        inside = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for item in inside for part in (item if isinstance(item, tuple) else [item])]
        known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]
