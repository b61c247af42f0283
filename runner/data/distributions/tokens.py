"""Sequences of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.data.base import Samples
from runner.data.distributions.base import Drawn


@dataclass(frozen=True, kw_only=True)
class Tokens(Drawn):
    """x (samples, length), whole numbers uniform from 0 to ``vocabulary`` - 1; y (samples,): the most frequent one.

    Of several that are equally frequent it is the smallest; so there are as many classes as tokens.
    """

    length: int
    vocabulary: int

    def check(self) -> None:
        super().check()
        self.from_one("length", "vocabulary")

    def extent(self) -> str:
        return f"of {self.length} tokens"

    def numbers(self) -> int:
        return self.samples * max(self.length, self.vocabulary)

    def drawn(self, rng: np.random.Generator) -> Samples:
        x = rng.integers(self.vocabulary, size=(self.samples, self.length))
        counts = np.zeros((self.samples, self.vocabulary), np.int32)
        np.add.at(counts, (np.arange(self.samples)[:, np.newaxis], x), 1)
        return Samples(x, np.argmax(counts, axis=1))
