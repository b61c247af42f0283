"""Handwritten digits (Alpaydin and Kaynak 1998)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.data.base import Data, Parts, Samples
from runner.data.columns import refuse_columns
from runner.data.split import split

BRIGHTEST = 16


@dataclass(frozen=True, kw_only=True)
class Digits(Data):
    """1797 images of digits; y (samples,) is the digit (sklearn.datasets.load_digits).

    x is (samples, 1, 8, 8), or (samples, 64) where ``flat``, float64 from 0 to 1.
    """

    flat: bool

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        from sklearn.datasets import load_digits

        refuse_columns(columns)
        bunch = load_digits()
        x = np.asarray(bunch.data, np.float64) / BRIGHTEST
        samples = Samples(x if self.flat else x.reshape(-1, 1, 8, 8), np.asarray(bunch.target, np.int64))
        return split(samples, self.held_out, seed)
