"""Stochastic gradient descent: p <- p - lr g (torch.optim.SGD)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, is_narrow, working
from runner.optimizers.base import Optimizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Plain, without momentum.

    In 16 bits the learning rate is rounded to the dtype, as torch has it, and the rest computed in float32 and rounded
    once. (Torch does the same, but for the last elements of a tensor, short of a vector register: it rounds their
    product too.)
    """

    def scratch(self, parameters: Array, gradients: Array, lr: float) -> Callable[[], None]:
        change = working(np.empty_like(parameters))
        rate = np.float32(parameters.dtype.type(lr)) if is_narrow(parameters.dtype) else lr

        def update() -> None:
            np.multiply(gradients, rate, out=change)
            np.subtract(parameters, change, out=parameters)

        return update

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(parameters, lr=lr)
