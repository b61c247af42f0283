"""What an initialisation is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from runner.arrays import Array
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Init(ABC):
    """A law that parameters are drawn from, or a file that they are read from."""

    def check(self) -> None:  # noqa: B027  (some have nothing to check)
        """Raises ConfigError, its key relative to ``init``, where a value is out of range."""

    @abstractmethod
    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        """Float64 arrays for all of ``network.parameters``, by the seed of the run.

        Those of ``network.buffers`` that begin otherwise than their layers have it are among them, whole numbers as
        such. Raises ConfigError, its key relative to ``init``.
        """
