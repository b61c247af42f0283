"""What all drawn samples have in common."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from runner.arrays import Array, Shape
from runner.data.base import Data, Parts, Samples, Stream, generator, samples_of
from runner.data.columns import refuse_columns
from runner.data.split import split
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Drawn(Data):
    """So many ``samples``, drawn from the data stream of the seed."""

    samples: int

    def check(self) -> None:
        super().check()
        self.from_one("samples")

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        refuse_columns(columns)
        return split(self.draw(generator(seed, Stream.DATA)), self.held_out, seed)

    def draw(self, rng: np.random.Generator) -> Samples:
        """All samples, in the order in which they are drawn.

        Raises:
            ConfigError: They do not fit into memory, or their values into float64.
        """
        too_many = ConfigError("samples", f"{self.samples} {self.extent()}", "as many as fit")
        if self.numbers() * np.dtype(np.float64).itemsize > sys.maxsize:
            raise too_many
        try:
            with np.errstate(over="ignore"):
                found = self.drawn(rng)
        except MemoryError as error:
            raise too_many from error
        samples = samples_of(found, type(self).__name__)
        if len(samples.x) != self.samples:
            got = f"{len(samples.x)} samples from {type(self).__name__}"
            raise ConfigError("", got, f"{self.samples}, as data.samples says")
        if np.isinf(samples.x).any():
            raise ConfigError("", "draws beyond the range of float64", "parameters whose draws are finite")
        return samples

    @abstractmethod
    def drawn(self, rng: np.random.Generator) -> Samples:
        """The samples, unchecked."""

    def extent(self) -> str:
        """In words, how large a sample is."""
        return "samples"

    def numbers(self) -> int:
        """How many numbers the largest array has that is made: no memory may hold them."""
        return self.samples

    def from_one(self, *keys: str) -> None:
        """Raises ConfigError where the number under one of ``keys`` is below 1."""
        for key in keys:
            if getattr(self, key) < 1:
                raise ConfigError(key, getattr(self, key), "a whole number from 1")

    def finite(self, *keys: str) -> None:
        """Raises ConfigError where the number under one of ``keys`` is not finite."""
        for key in keys:
            if not isfinite(getattr(self, key)):
                raise ConfigError(key, getattr(self, key), "a finite number")

    def positive(self, *keys: str) -> None:
        """Raises ConfigError where the number under one of ``keys`` is not finite and above 0."""
        for key in keys:
            if not (isfinite(getattr(self, key)) and getattr(self, key) > 0):
                raise ConfigError(key, getattr(self, key), "a finite number above 0")

    def from_zero(self, *keys: str) -> None:
        """Raises ConfigError where the number under one of ``keys`` is not finite and at least 0."""
        for key in keys:
            if not (isfinite(getattr(self, key)) and getattr(self, key) >= 0):
                raise ConfigError(key, getattr(self, key), "a finite number from 0")


@dataclass(frozen=True, kw_only=True)
class Independent(Drawn):
    """x (samples, features), float64, every value drawn independently from one distribution."""

    features: int

    def check(self) -> None:
        super().check()
        self.from_one("features")

    def extent(self) -> str:
        return f"of {self.features} features"

    def numbers(self) -> int:
        return self.samples * self.features

    def drawn(self, rng: np.random.Generator) -> Samples:
        return Samples(self.values(rng, (self.samples, self.features)))

    @abstractmethod
    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Independent draws, float64 of that ``shape``."""
