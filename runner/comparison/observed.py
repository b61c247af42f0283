"""What is to be explained, and what explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.comparison.point import Point


@dataclass(frozen=True)
class Cause:
    """A mistake that is proved: the gradient that it gives is the observed one to within rounding.

    Attributes:
        name: Its name; several mistakes at once are joined by " + ".
        sentence: What was done, in words.
        formula: What is right.
        tensors: What it explains, in the order of computation.
        roundings: How far the observed tensors are from what the mistake gives, at most.
    """

    name: str
    sentence: str
    formula: str
    tensors: tuple[str, ...]
    roundings: float


@dataclass(frozen=True)
class Observed:
    """What is to be explained at a point.

    Attributes:
        point: The point where it was judged.
        seen: The tensors of the side that is wrong, (layout.size,).
        right: The library's.
        unit: One rounding of each element.
        previous: The point of the step before, if it is known.
    """

    point: Point
    seen: Array
    right: Array
    unit: Array
    previous: Point | None

    @property
    def wrong(self) -> Array:
        """Which elements are wrong, (layout.size,)."""
        return np.asarray(np.abs(self.seen - self.right) > LIMIT * self.unit)

    @property
    def suspects(self) -> list[str]:
        """The tensors with a wrong element, in the order of computation."""
        wrong, places = self.wrong, self.point.layout.slices()
        return [name for name in self.point.layout.order if wrong[places[name]].any()]

    def gradients(self, vector: Array) -> dict[str, Array]:
        """The gradients in a vector of tensors, under their names and of their shapes."""
        layout = self.point.layout
        shapes = dict(zip(layout.names, layout.shapes, strict=True))
        return {n: vector[place].reshape(shapes[n]) for n, place in layout.slices().items() if n in layout.names[2:]}
