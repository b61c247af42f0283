"""RAdam: Adam that divides once its mean square can be relied on (torch.optim.RAdam)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array
from runner.optimizers.arithmetic import Rate
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import from_zero, two_betas
from runner.optimizers.updating import Counted

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class RAdam(Optimizer):
    """``betas``: how much of the mean of g, and of that of its square, a step keeps.

    ``decoupled_weight_decay``: weights decay as in AdamW.
    """

    betas: list[float]
    eps: float
    weight_decay: float
    decoupled_weight_decay: bool
    maximize: bool

    def check(self) -> None:
        two_betas(self.betas)
        from_zero(eps=self.eps, weight_decay=self.weight_decay)

    def initial_momentum(self) -> float | None:
        return self.betas[0]

    def scratch(self, parameters: Array, gradients: Array) -> ScratchRAdam:
        return ScratchRAdam(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.RAdam(
            parameters,
            lr=lr,
            betas=(self.betas[0], self.betas[1]),
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled_weight_decay=self.decoupled_weight_decay,
            maximize=self.maximize,
        )


class ScratchRAdam(Counted):
    """p, g, m and v (*replicas, parameters); m and v are ``exp_avg`` and ``exp_avg_sq``.

    g <- -g if maximize;  g <- g + weight_decay p, or p <- (1 - lr weight_decay) p where that is decoupled;
    m <- m + (1 - beta1) (g - m);  v <- beta2 v + (1 - beta2) g g;  c1 = 1 - beta1^step;  c2 = 1 - beta2^step;
    n = 2 / (1 - beta2) - 1;  k = n - 2 step beta2^step / c2;  h = m / c1 lr;
    r = sqrt((k - 4) (k - 2) n / ((n - 4) (n - 2) k));  d = sqrt(v) + eps;
    p <- p - h sqrt(c2) / d r if k > 5;  p <- p - h if k <= 5.

    Derived in docs/derivations/radam.md.
    """

    def __init__(self, optimizer: RAdam, parameters: Array, gradients: Array) -> None:
        names = ["exp_avg", "exp_avg_sq"]
        decay, decoupled = optimizer.weight_decay, optimizer.decoupled_weight_decay
        super().__init__(parameters, gradients, names, decay, optimizer.maximize, decoupled)
        (self.beta1, self.beta2), self.eps = optimizer.betas, optimizer.eps
        self.m, self.v = (self.carried[name] for name in names)
        self.h, self.d = np.empty_like(parameters), np.empty_like(parameters)

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        step, arithmetic, h = self.count(), self.arithmetic, self.h
        beta1 = self.beta1 if momentum is None else momentum
        g = self.gradient(lr)
        arithmetic.move(self.m, g, 1 - beta1)
        arithmetic.scale(self.v, self.beta2)
        arithmetic.add_square(self.v, g, 1 - self.beta2)
        np.divide(self.m, arithmetic.number(1 - beta1**step), out=h)
        arithmetic.scale(h, lr)
        power = self.beta2**step
        n = 2 / (1 - self.beta2) - 1
        k = n - 2 * step * power / (1 - power)
        if k > 5:
            self._divide(h, (1 - power) ** 0.5)
            arithmetic.scale(h, ((k - 4) * (k - 2) * n / ((n - 4) * (n - 2) * k)) ** 0.5)
        np.subtract(self.parameters, h, out=self.parameters)

    def _divide(self, h: Array, root: float) -> None:
        d = self.d
        np.sqrt(self.v, out=d)
        np.add(d, self.arithmetic.rounded(self.eps), out=d)
        np.reciprocal(d, out=d)
        self.arithmetic.scale(d, root)
        np.multiply(h, d, out=h)
