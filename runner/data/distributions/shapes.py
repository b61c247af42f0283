"""Small images of shapes, a class each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.data.base import Samples
from runner.data.distributions.base import Drawn
from runner.errors import ConfigError

SMALLEST = 8
"""Pixels a side below which the shapes are not told apart."""
KINDS = ("square", "disc", "cross", "triangle")


@dataclass(frozen=True, kw_only=True)
class Shapes(Drawn):
    """x (samples, 1, size, size): 1 inside a shape, 0 around it, plus normal noise; y (samples,): one of ``KINDS``.

    Each has a centre and a radius of its own and lies wholly in the image.
    """

    size: int
    noise: float

    def check(self) -> None:
        super().check()
        if self.size < SMALLEST:
            raise ConfigError("size", self.size, f"a whole number from {SMALLEST}")
        self.from_zero("noise")

    def numbers(self) -> int:
        return self.samples * self.size**2

    def drawn(self, rng: np.random.Generator) -> Samples:
        y = rng.integers(len(KINDS), size=self.samples)
        radius = rng.uniform(self.size / 4, self.size / 2.5, self.samples)
        centre = rng.uniform(radius, self.size - radius, (2, self.samples))
        pixels = np.arange(self.size) + 0.5
        down = (pixels - centre[0, :, np.newaxis])[:, :, np.newaxis]
        across = (pixels - centre[1, :, np.newaxis])[:, np.newaxis, :]
        inside = _inside(down, across, radius[:, np.newaxis, np.newaxis], y[:, np.newaxis, np.newaxis])
        x = inside[:, np.newaxis].astype(np.float64)
        x += rng.normal(0.0, self.noise, x.shape)
        return Samples(x, y)


def _inside(down: Array, across: Array, radius: Array, kind: Array) -> Array:
    """Which pixels, by their distances from the centre, belong to the shape."""
    far, near = np.maximum(np.abs(down), np.abs(across)), np.minimum(np.abs(down), np.abs(across))
    square = far <= 0.8 * radius
    disc = np.square(down) + np.square(across) <= np.square(radius)
    cross = (far <= radius) & (near <= 0.3 * radius)
    triangle = (np.abs(down) <= radius) & (2 * np.abs(across) <= down + radius)
    return np.choose(kind, [square, disc, cross, triangle])
