"""Tumours (Street, Wolberg and Mangasarian 1993)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.data.bundled.base import Bundled


@dataclass(frozen=True, kw_only=True)
class BreastCancer(Bundled):
    """569 tumours, 30 measurements, 2 classes: 0 is malignant (sklearn.datasets.load_breast_cancer)."""

    def bunch(self) -> Any:
        from sklearn.datasets import load_breast_cancer

        return load_breast_cancer()
