"""What an initialisation is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Init(ABC):
    """A law that parameters are drawn from, or a file that they are read from."""

    @abstractmethod
    def draw(self, network: Network, rng: np.random.Generator) -> dict[str, Array]:
        """Float64 arrays for all of ``network.parameters``; raises ConfigError, its key relative to ``init``."""
