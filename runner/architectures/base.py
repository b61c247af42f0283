"""What an architecture is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runner.arrays import Shape
from runner.errors import ConfigError, choices, shortened

Node = dict[str, Any]
"""A layer as it could be written in the configuration: {layer: NAME, ...its keys}."""

Nodes = list[tuple[str, Node]]
"""Layers, each with the key, relative to ``architecture``, that it comes from."""

MOST_REPEATS = 10_000
"""Times that an architecture may repeat its layers: of more nobody would see the end."""


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """``layers``: the list in full, each ``{layer: NAME, ...its keys}``; null where the architecture makes it."""

    layers: list[Any] | None

    def check(self) -> None:  # noqa: B027  (some architectures have nothing to check)
        """Raises ConfigError, its key relative to ``architecture``, where a value is out of range."""

    @abstractmethod
    def make_layers(self, input_shape: Shape) -> Nodes:
        """The list that stands where ``layers`` is null, each with the key that it comes from.

        ``input_shape`` is that of one sample.
        """

    def specification(self, input_shape: Shape) -> list[tuple[str, Any]]:
        """The list of layers that is built, each with the key, relative to ``architecture``, that it comes from.

        Raises:
            ConfigError: What ``make_layers`` returns is no such list.
        """
        if self.layers is not None:
            return [(f"layers.{i}", layer) for i, layer in enumerate(self.layers)]
        made: object = self.make_layers(input_shape)
        nodes: list[Any] = list(made) if isinstance(made, Iterable) and not isinstance(made, str | dict) else [made]
        for node in nodes:
            if not _is_keyed(node):
                raise ConfigError(
                    "",
                    f"{shortened(node)} from {type(self).__name__}.make_layers",
                    "a list of pairs (KEY, {layer: NAME, ...its keys}), KEY the one that the layer comes from",
                )
        return nodes


def _is_keyed(node: object) -> bool:
    match node:
        case (str(), {"layer": str()}):
            return True
    return False


def check_counts(**values: int | Sequence[int]) -> None:
    """Raises ConfigError where a number, or one of a list, is below 1."""
    for name, value in values.items():
        counts = {name: value} if isinstance(value, int) else {f"{name}.{i}": v for i, v in enumerate(value)}
        for key, count in counts.items():
            if count < 1:
                raise ConfigError(key, count, "a whole number from 1")


def check_not_empty(**values: Sequence[int]) -> None:
    """Raises ConfigError where a list is empty."""
    for name, value in values.items():
        if not value:
            raise ConfigError(name, "an empty list", "at least one number")


def check_choice(key: str, got: str, allowed: Sequence[str]) -> None:
    """Raises ConfigError where a word is none of those allowed."""
    if got not in allowed:
        raise ConfigError(key, got, choices(allowed, got))


def linear_layers(key: str, widths: Sequence[int], activation: str) -> Nodes:
    """A linear layer of each width, from the list ``key``, with the ``activation`` after each."""
    nodes: Nodes = []
    for i, width in enumerate(widths):
        nodes.append((f"{key}.{i}", {"layer": "linear", "out": width}))
        nodes.append(("activation", {"layer": activation}))
    return nodes


def rows_of(input_shape: Shape) -> list[Node]:
    """What makes a sequence of an image (channels, height, width): its rows, channel after channel."""
    return [{"layer": "flatten", "start_dim": 1, "end_dim": -2}] if len(input_shape) == 3 else []
