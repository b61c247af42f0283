"""Stochastic gradient descent: p <- p - lr g (torch.optim.SGD)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array
from runner.optimizers.base import Optimizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Plain, without momentum."""

    def scratch(self, parameters: Array, gradients: Array, lr: float) -> Callable[[], None]:
        change = np.empty_like(parameters)

        def update() -> None:
            np.multiply(gradients, lr, out=change)
            np.subtract(parameters, change, out=parameters)

        return update

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(parameters, lr=lr)
