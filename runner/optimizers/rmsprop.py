"""RMSprop: the gradient over the root of its mean square (torch.optim.RMSprop)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array
from runner.optimizers.arithmetic import Rate
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import from_zero
from runner.optimizers.updating import Counted

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """``alpha``: how much of the mean square a step keeps; ``centered``: the variance takes the mean square's place."""

    alpha: float
    eps: float
    weight_decay: float
    momentum: float
    centered: bool
    maximize: bool

    def check(self) -> None:
        from_zero(alpha=self.alpha, eps=self.eps, weight_decay=self.weight_decay, momentum=self.momentum)

    def initial_momentum(self) -> float | None:
        return self.momentum

    def scratch(self, parameters: Array, gradients: Array) -> ScratchRMSprop:
        return ScratchRMSprop(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.RMSprop(
            parameters,
            lr=lr,
            alpha=self.alpha,
            eps=self.eps,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            centered=self.centered,
            maximize=self.maximize,
        )


class ScratchRMSprop(Counted):
    """p, g, v, a and b (*replicas, parameters); v, a, b are ``square_avg``, ``grad_avg``, ``momentum_buffer``.

    g <- -g if maximize;  g <- g + weight_decay p;  v <- alpha v + (1 - alpha) g g;  d = sqrt(v) + eps;
    a <- a + (1 - alpha) (g - a) if centered;  d = sqrt(v - a a) + eps if centered;  p <- p - lr g / d;
    b <- momentum b + g / d if there is momentum;  p <- p - lr b if there is momentum.

    Derived in docs/derivations/rmsprop.md.
    """

    def __init__(self, optimizer: RMSprop, parameters: Array, gradients: Array) -> None:
        names = ["square_avg", "momentum_buffer"] + (["grad_avg"] if optimizer.centered else [])
        super().__init__(parameters, gradients, names, optimizer.weight_decay, optimizer.maximize)
        self.alpha, self.eps, self.momentum = optimizer.alpha, optimizer.eps, optimizer.momentum
        self.v, self.b, self.a = (
            self.carried["square_avg"],
            self.carried["momentum_buffer"],
            self.carried.get("grad_avg"),
        )
        self.d = np.empty_like(parameters)
        self.moved = False

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        self.count()
        arithmetic = self.arithmetic
        momentum = self.momentum if momentum is None else momentum
        g = self.gradient(lr)
        arithmetic.scale(self.v, self.alpha)
        arithmetic.add_square(self.v, g, 1 - self.alpha)
        d = self._divisor(g)
        if not momentum:
            arithmetic.add_quotient(self.parameters, g, d, -lr)
            return
        self.moved = True
        arithmetic.scale(self.b, momentum)
        arithmetic.add_quotient(self.b, g, d, 1.0)
        arithmetic.add_scaled(self.parameters, self.b, -lr, out=self.parameters)

    def _divisor(self, g: Array) -> Array:
        d, v = self.d, self.v
        if self.a is not None:
            self.arithmetic.move(self.a, g, 1 - self.alpha)
            v = self.d
            np.copyto(v, self.v)
            self.arithmetic.add_square(v, self.a, -1.0)
        np.sqrt(v, out=d)
        return np.add(d, self.arithmetic.rounded(self.eps), out=d)

    def state(self) -> dict[str, Array]:
        return {name: value for name, value in super().state().items() if self.moved or value is not self.b}

    def load(self, state: Mapping[str, Array]) -> None:
        super().load(state)
        self.moved = "momentum_buffer" in state
