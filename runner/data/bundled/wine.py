"""Wines (Aeberhard and Forina 1991)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.data.bundled.base import Bundled


@dataclass(frozen=True, kw_only=True)
class Wine(Bundled):
    """178 wines, 13 measurements, 3 growers (sklearn.datasets.load_wine)."""

    def bunch(self) -> Any:
        from sklearn.datasets import load_wine

        return load_wine()
