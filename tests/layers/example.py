"""What a layer is tried with: some of its keys, the shape of one sample, and the vocabulary where that holds tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.arrays import Shape


@dataclass(frozen=True)
class Example:
    keys: Mapping[str, Any]
    shape: Shape
    vocabulary: int | None = None

    def __str__(self) -> str:
        """As it is read in the name of a test."""
        told = ",".join(f"{key}={value}" for key, value in self.keys.items()).replace(" ", "")
        return f"{told or 'default'}-{'x'.join(map(str, self.shape))}"
