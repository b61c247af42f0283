"""NAdam: Adam with Nesterov's look ahead (torch.optim.NAdam)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
class NAdam(Optimizer):
    """``momentum_decay``: how fast the momentum rises to beta1.

    ``decoupled_weight_decay``: weights decay as in AdamW.
    """

    betas: list[float]
    eps: float
    weight_decay: float
    momentum_decay: float
    decoupled_weight_decay: bool
    maximize: bool

    def check(self) -> None:
        two_betas(self.betas)
        from_zero(eps=self.eps, weight_decay=self.weight_decay, momentum_decay=self.momentum_decay)

    def initial_momentum(self) -> float | None:
        return self.betas[0]

    def scratch(self, parameters: Array, gradients: Array) -> ScratchNAdam:
        return ScratchNAdam(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.NAdam(
            parameters,
            lr=lr,
            betas=(self.betas[0], self.betas[1]),
            eps=self.eps,
            weight_decay=self.weight_decay,
            momentum_decay=self.momentum_decay,
            decoupled_weight_decay=self.decoupled_weight_decay,
            maximize=self.maximize,
        )


class ScratchNAdam(Counted):
    """p, g, m and v (*replicas, parameters); m and v are ``exp_avg`` and ``exp_avg_sq``, M is ``mu_product``.

    g <- -g if maximize;  g <- g + weight_decay p, or p <- (1 - lr weight_decay) p where that is decoupled;
    mu(t) = beta1 (1 - 0.5 * 0.96^(t momentum_decay));  M <- M mu(step);
    m <- m + (1 - beta1) (g - m);  v <- beta2 v + (1 - beta2) g g;  d = sqrt(v / (1 - beta2^step)) + eps;
    p <- p - lr (1 - mu(step)) / (1 - M) g / d;  p <- p - lr mu(step + 1) / (1 - M mu(step + 1)) m / d.

    M is rounded to float32 after each step whatever the dtype: torch keeps it so, and 1 - M shows it in float64.

    Derived in docs/derivations/nadam.md.
    """

    def __init__(self, optimizer: NAdam, parameters: Array, gradients: Array) -> None:
        names = ["exp_avg", "exp_avg_sq"]
        decay, decoupled = optimizer.weight_decay, optimizer.decoupled_weight_decay
        super().__init__(parameters, gradients, names, decay, optimizer.maximize, decoupled)
        self.beta1, self.beta2 = optimizer.betas
        self.eps, self.momentum_decay = optimizer.eps, optimizer.momentum_decay
        self.m, self.v = (self.carried[name] for name in names)
        self.d = np.empty_like(parameters)
        self.mu_product = self.carried["mu_product"] = np.ones(())

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        step, arithmetic, d = self.count(), self.arithmetic, self.d
        beta1 = self.beta1 if momentum is None else momentum
        g = self.gradient(lr)
        mu, mu_next = self._mu(beta1, step), self._mu(beta1, step + 1)
        self.mu_product[...] = np.float32(self.mu_product) * np.float32(mu)
        product = float(self.mu_product)
        arithmetic.move(self.m, g, 1 - beta1)
        arithmetic.scale(self.v, self.beta2)
        arithmetic.add_square(self.v, g, 1 - self.beta2)
        np.divide(self.v, arithmetic.number(1 - self.beta2**step), out=d)
        np.sqrt(d, out=d)
        np.add(d, arithmetic.rounded(self.eps), out=d)
        arithmetic.add_quotient(self.parameters, g, d, -lr * (1 - mu) / (1 - product))
        arithmetic.add_quotient(self.parameters, self.m, d, -lr * mu_next / (1 - product * mu_next))

    def _mu(self, beta1: float, step: float) -> float:
        return float(beta1 * (1 - 0.5 * 0.96 ** (step * self.momentum_decay)))

    def load(self, state: Mapping[str, Array]) -> None:
        super().load(state)
        if not state:
            self.mu_product[...] = 1
