"""What a source of samples and a target are, and the seeded streams that they draw from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import isfinite

import numpy as np

from runner.arrays import Array, is_whole
from runner.data.returned import numbers, targets_of
from runner.errors import ConfigError, shortened


class Stream(IntEnum):
    """The independent random streams of one seed."""

    DATA = 0
    INIT = 1
    TARGET = 2
    NOISE = 3
    SPLIT = 4
    MASKS = 5


def generator(seed: int, stream: Stream) -> np.random.Generator:
    """The generator of one stream: numpy.random.SeedSequence's spawned children never overlap."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream),)))


@dataclass(frozen=True)
class Samples:
    """Samples and what is known of them, a row a sample in every array.

    Attributes:
        x: Inputs (samples, *sample): float64, or whole numbers (tokens).
        y: Targets, where the source brings them: float64 (samples, *out), or class indices, whole numbers (samples,).
        columns: What a target asked for by name, (samples,) each: float64 or text.
    """

    x: Array
    y: Array | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """The samples that are learnt from, and those that are held out; None where none are."""

    train: Samples
    held_out: Samples | None = None


def samples_of(value: object, whose: str) -> Samples:
    """The samples that the class ``whose`` returns.

    Raises:
        ConfigError: They are none, their x is not (samples, ...), or their y has not as many rows; its key is empty.
    """
    if not isinstance(value, Samples):
        raise ConfigError("", f"{shortened(value)} from {whose}", "Samples(x) or Samples(x, y), of runner.data.base")
    x = numbers(value.x, f"x from {whose}")
    if not x.size:
        raise ConfigError("", f"x of shape {x.shape} from {whose}", "at least one sample, of at least one number")
    if not x.ndim:
        raise ConfigError("", f"x from {whose}, the single number {x}", "numbers of shape (samples, ...)")
    y = None if value.y is None else targets_of(value.y, x, whose)
    return Samples(x, y, value.columns)


def parts_of(value: object, whose: str) -> Parts:
    """The parts that the class ``whose`` returns.

    Raises:
        ConfigError: They are none, or their samples are not as ``samples_of`` wants them; its key is empty.
    """
    if not isinstance(value, Parts):
        raise ConfigError("", f"{shortened(value)} from {whose}", "Parts(samples), of runner.data.base")
    held_out = None if value.held_out is None else samples_of(value.held_out, whose)
    return Parts(samples_of(value.train, whose), held_out)


@dataclass(frozen=True, kw_only=True)
class Data(ABC):
    """A source of samples; ``held_out`` is the part of them that is held out of the training, from 0 to below 1."""

    held_out: float

    def check(self) -> None:
        """Raises ConfigError, its key relative to ``data``, where a value is out of range."""
        if not 0 <= self.held_out < 1:
            raise ConfigError("held_out", self.held_out, "a number from 0 to below 1")

    @abstractmethod
    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        """The samples; those in ``columns`` are a target's and not among the inputs.

        Raises:
            ConfigError: A file is at fault, or it has not these columns; its key is relative to ``data``.
        """


@dataclass(frozen=True, kw_only=True)
class Target(ABC):
    """What the network is to learn; ``noise`` is the standard deviation of the normal noise that is added to it."""

    noise: float

    def check(self) -> None:
        """Raises ConfigError, its key relative to ``target``, where a value is out of range."""
        if not (isfinite(self.noise) and self.noise >= 0):
            raise ConfigError("noise", self.noise, "a finite number from 0")

    def columns(self) -> tuple[str, ...]:
        """The columns of the data that it needs."""
        return ()

    @abstractmethod
    def of(self, samples: Samples, rng: np.random.Generator) -> Array:
        """y without noise: float64 (samples, *out), or class indices, whole numbers (samples,).

        ``rng`` begins in the same state for samples that are learnt from and for those that are held out.

        Raises:
            ConfigError: These samples have none; its key is relative to ``target``.
        """

    def make(self, parts: Parts, seed: int) -> tuple[Array, Array | None]:
        """y with its noise, of the samples that are learnt from and of those that are held out.

        Raises:
            ConfigError: These samples have none; its key is relative to ``target``.
        """
        noise = generator(seed, Stream.NOISE)
        found = [self._with_noise(part, seed, noise) for part in (parts.train, parts.held_out) if part is not None]
        return found[0], found[1] if len(found) > 1 else None

    def _with_noise(self, samples: Samples, seed: int, noise: np.random.Generator) -> Array:
        y = targets_of(self.of(samples, generator(seed, Stream.TARGET)), samples.x, type(self).__name__)
        if not self.noise:
            return y
        if is_whole(y):
            raise ConfigError("noise", self.noise, "0: the targets are classes")
        return np.asarray(y + noise.normal(0.0, self.noise, y.shape))
