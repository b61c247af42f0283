"""YAML as a run's records are written: plain values, each of them written out."""

from __future__ import annotations

from typing import Any

import yaml


class _Plain(yaml.SafeLoader):
    """The safe loader, without aliases: a few lines of them stand for more values than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias, which no record has")
        return super().compose_node(parent, index)


def read_plain(text: str) -> Any:
    """What ``text`` holds: text, numbers, dates, lists and mappings; no tag makes anything else of it.

    Raises:
        yaml.YAMLError: It is malformed, has an alias or a tag of another kind.
        RecursionError: It is nested too deeply.
    """
    loader = _Plain(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
