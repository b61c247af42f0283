"""What an architecture is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from runner.arrays import Shape


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """``layers``: the list in full, each ``{layer: NAME, ...its keys}``; null where the architecture makes it."""

    layers: list[Any] | None

    def check(self) -> None:  # noqa: B027  (some architectures have nothing to check)
        """Raises ConfigError, its key relative to ``architecture``, where a value is out of range."""

    @abstractmethod
    def make_layers(self, input_shape: Shape) -> list[tuple[str, dict[str, Any]]]:
        """The list that stands where ``layers`` is null, each with the key that it comes from.

        ``input_shape`` is that of one sample.
        """

    def specification(self, input_shape: Shape) -> list[tuple[str, Any]]:
        """The list of layers that is built, each with the key, relative to ``architecture``, that it comes from."""
        if self.layers is None:
            return list(self.make_layers(input_shape))
        return [(f"layers.{i}", layer) for i, layer in enumerate(self.layers)]
