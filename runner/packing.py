"""A composed configuration as a few kilobytes, to be copied from: JSON of its nodes, nothing that runs."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from typing import Any

from omegaconf import DictConfig
from omegaconf.base import Metadata, Node

PLAIN = (str, int, float, bool, type(None))
"""What JSON gives back as it was; anything else, as types and enumerations, is packed as its place in a list."""
CONTENT, ABOUT = "_content", "_metadata"
ANEW = {"_parent": None, "_flags_cache": None}
"""Attributes of a node that say where it stands, and nothing of what it holds."""


class Packer:
    """Packs configurations and unpacks them again: copying by unpacking takes half the time of deepcopy.

    What it has packed it alone can unpack: types are kept in this object, and are not looked up by their names.
    """

    def __init__(self) -> None:
        self._things: list[Any] = []
        self._places: dict[Any, int] = {}

    def packed(self, config: DictConfig) -> bytes:
        """The configuration with all its types, flags and interpolations.

        Raises:
            TypeError: It holds an object that is neither a plain value nor a constant.
        """
        return zlib.compress(json.dumps(self._node(config)).encode(), 1)

    def unpacked(self, content: bytes) -> DictConfig:
        """A configuration of its own."""
        found = self._made(json.loads(zlib.decompress(content)), None)
        assert isinstance(found, DictConfig)
        return found

    def _node(self, node: Node) -> list[Any]:
        """Its class, what is known of it, its other attributes, and what kind of content it has, and which."""
        state = node.__dict__
        rest = [[key, self._value(v)] for key, v in state.items() if key not in (*ANEW, ABOUT, CONTENT)]
        head = [self._value(type(node)), self._metadata(state[ABOUT]), rest]
        content = state.get(CONTENT)
        if isinstance(content, dict):
            return [*head, "dict", [[self._value(key), self._node(inner)] for key, inner in content.items()]]
        if isinstance(content, list):
            return [*head, "list", [self._node(inner) for inner in content]]
        if isinstance(content, Node):
            return [*head, "node", self._node(content)]
        return [*head, "value" if CONTENT in state else "", self._value(content)]

    def _metadata(self, about: Metadata) -> list[Any]:
        state = {**vars(about), "resolver_cache": dict(about.resolver_cache)}
        return [self._value(type(about)), [[key, self._value(value)] for key, value in state.items()]]

    def _value(self, value: Any) -> Any:
        """A plain value as it is; a mapping as its pairs, and what else is as its place in the list, both in a list."""
        if type(value) in PLAIN:
            return value
        if type(value) is dict:
            return [[[self._value(key), self._value(inner)] for key, inner in value.items()]]
        if value not in self._places:
            self._places[value] = len(self._things)
            self._things.append(value)
        return [self._places[value]]

    def _read(self, value: Any) -> Any:
        if type(value) is not list:
            return value
        (inside,) = value
        if type(inside) is int:
            return self._things[inside]
        return {self._read(key): self._read(inner) for key, inner in inside}

    def _made(self, packed: list[Any], parent: Node | None) -> Node:
        cls, (about, known), rest, kind, content = packed
        made: Node = object.__new__(self._read(cls))
        state = made.__dict__
        state |= ANEW
        state["_parent"] = parent
        state[ABOUT] = metadata = object.__new__(self._read(about))
        metadata.__dict__ |= {key: self._read(value) for key, value in known}
        metadata.resolver_cache = defaultdict(dict, metadata.resolver_cache)
        for key, value in rest:
            state[key] = self._read(value)
        if kind == "dict":
            state[CONTENT] = {self._read(key): self._made(inner, made) for key, inner in content}
        elif kind == "list":
            state[CONTENT] = [self._made(inner, made) for inner in content]
        elif kind:
            state[CONTENT] = self._made(content, made) if kind == "node" else self._read(content)
        return made
