"""What a source of samples and a target are, and the seeded streams that they draw from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from runner.arrays import Array


class Stream(IntEnum):
    """The independent random streams of one seed."""

    DATA = 0
    INIT = 1


def generator(seed: int, stream: Stream) -> np.random.Generator:
    """The generator of one stream: numpy.random.SeedSequence's spawned children never overlap."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream),)))


@dataclass(frozen=True)
class Samples:
    """Inputs x (samples, features) in float64 and, where the source has them, targets y (samples, out)."""

    x: Array
    y: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Data(ABC):
    """A source of samples."""

    def check(self) -> None:  # noqa: B027  (some sources have nothing to check)
        """Raises ConfigError, its key relative to ``data``, where a value is out of range."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Samples:
        """The samples; raises ConfigError where a file is at fault."""


@dataclass(frozen=True, kw_only=True)
class Target(ABC):
    """What the network is to learn."""

    @abstractmethod
    def of(self, samples: Samples) -> Array:
        """y (samples, out) in float64; raises ConfigError, its key relative to ``target``, where it has none."""
