"""torch's default law of each layer: for Linear kaiming_uniform with a = sqrt(5), within +-1/sqrt(fan_in)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.arrays import Array
from runner.data.base import Stream, generator
from runner.init.base import Init
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class TorchDefault(Init):
    """Every parameter by the law of its layer's reset_parameters, drawn by the project's own generator."""

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        rng = generator(seed, Stream.INIT)
        return {name: p.draw(rng) for name, p in network.parameters.items()}
