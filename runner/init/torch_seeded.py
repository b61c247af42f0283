"""The numbers that PyTorch itself gives: torch.manual_seed(seed), then the equal module is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.errors import ConfigError
from runner.init.base import Init
from runner.network import Network

LARGEST = 2**64 - 1
"""The largest seed that torch takes."""


@dataclass(frozen=True, kw_only=True)
class TorchSeeded(Init):
    """Every parameter as the module's constructor draws it in torch's default dtype, by torch's generator of the CPU.

    The layers are built in their order, from the run's seed; torch's own generator is left as it was.
    """

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        if not network.derived:
            words = "a network of the program's own layers; torch_default or file for this one"
            raise ConfigError("", "torch_seeded for a module that the program has no layers for", words)
        if seed > LARGEST:
            raise ConfigError("", f"torch_seeded with seed={seed}", f"a seed from 0 to {LARGEST}")
        return self.torch(network, seed)

    def torch(self, network: Network, seed: int) -> dict[str, Array]:
        """The parameters of ``network.torch()`` in float64."""
        import torch

        from runner.backends.tensors import to_numpy

        # made first: too many numbers raise MemoryError here, where torch's error would tell it from no other
        found = {name: np.empty(p.shape) for name, p in network.parameters.items()}
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            module = network.torch()
        for name, parameter in module.named_parameters():
            found[name][...] = to_numpy(parameter)
        return found
