"""Diabetes patients (Efron, Hastie, Johnstone and Tibshirani 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.data.base import Parts
from runner.data.bundled.base import Bundled
from runner.data.standardise import scale_of


@dataclass(frozen=True, kw_only=True)
class Diabetes(Bundled):
    """442 patients, 10 measurements; y (samples, 1), float64: how far the disease went in a year, 25 to 346.

    (sklearn.datasets.load_diabetes, as it was measured.) With ``standardise_y``, y loses its mean and is divided by
    its standard deviation, both of the samples that are learnt from.
    """

    standardise_y: bool

    def bunch(self) -> Any:
        from sklearn.datasets import load_diabetes

        return load_diabetes(scaled=False)

    def targets(self, bunch: Any) -> Array:
        return np.array(bunch.target[:, np.newaxis], np.float64)

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        parts = super().load(seed, columns)
        if self.standardise_y:
            assert parts.train.y is not None
            scale = scale_of(parts.train.y, ["y"])
            for samples in (parts.train, parts.held_out):
                if samples is not None and samples.y is not None:
                    scale.apply(samples.y, fill=False, scale=True)
        return parts
