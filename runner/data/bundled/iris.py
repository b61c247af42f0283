"""Iris flowers (Fisher 1936)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.data.bundled.base import Bundled


@dataclass(frozen=True, kw_only=True)
class Iris(Bundled):
    """150 flowers, 4 lengths in cm, 3 species (sklearn.datasets.load_iris)."""

    def bunch(self) -> Any:
        from sklearn.datasets import load_iris

        return load_iris()
