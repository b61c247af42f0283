"""Adam: the mean of the gradients over the root of their mean square (torch.optim.Adam)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array
from runner.optimizers.arithmetic import Rate
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import from_zero, two_betas
from runner.optimizers.updating import Counted

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """``betas``: how much of the mean of g, and of that of its square, a step keeps.

    ``amsgrad``: divides by the largest mean square so far. ``weight_decay`` is part of the gradient.
    """

    betas: list[float]
    eps: float
    weight_decay: float
    amsgrad: bool
    maximize: bool

    decoupled: ClassVar[bool] = False
    """Whether weights decay by themselves, before the step."""

    def check(self) -> None:
        two_betas(self.betas)
        from_zero(eps=self.eps, weight_decay=self.weight_decay)

    def initial_momentum(self) -> float | None:
        return self.betas[0]

    def scratch(self, parameters: Array, gradients: Array) -> ScratchAdam:
        return ScratchAdam(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        kind = torch.optim.AdamW if self.decoupled else torch.optim.Adam
        return kind(
            parameters,
            lr=lr,
            betas=(self.betas[0], self.betas[1]),
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            maximize=self.maximize,
        )


class ScratchAdam(Counted):
    """p, g, m, v and v_max (*replicas, parameters); m, v, v_max are ``exp_avg``, ``exp_avg_sq``, ``max_exp_avg_sq``.

    g <- -g if maximize;  g <- g + weight_decay p, or p <- (1 - lr weight_decay) p where that is decoupled;
    m <- m + (1 - beta1) (g - m);  v <- beta2 v + (1 - beta2) g g;  v_max <- max(v_max, v), else v_max = v;
    c1 = 1 - beta1^step;  c2 = 1 - beta2^step;  d = sqrt(v_max) / sqrt(c2) + eps;  p <- p - (lr / c1) m / d.

    Derived in docs/derivations/adam.md.
    """

    def __init__(self, optimizer: Adam, parameters: Array, gradients: Array) -> None:
        names = ["exp_avg", "exp_avg_sq"] + (["max_exp_avg_sq"] if optimizer.amsgrad else [])
        super().__init__(parameters, gradients, names, optimizer.weight_decay, optimizer.maximize, optimizer.decoupled)
        self.beta1, self.beta2 = optimizer.betas
        self.eps, self.amsgrad = optimizer.eps, optimizer.amsgrad
        self.m, self.v, self.v_max = (self.carried[name] for name in (*names[:2], names[-1]))
        self.d = np.empty_like(parameters)

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        step, arithmetic, d = self.count(), self.arithmetic, self.d
        beta1 = self.beta1 if momentum is None else momentum
        g = self.gradient(lr)
        arithmetic.move(self.m, g, 1 - beta1)
        arithmetic.scale(self.v, self.beta2)
        arithmetic.add_square(self.v, g, 1 - self.beta2)
        if self.amsgrad:
            np.maximum(self.v_max, self.v, out=self.v_max)
        np.sqrt(self.v_max, out=d)
        np.divide(d, arithmetic.number((1 - self.beta2**step) ** 0.5), out=d)
        np.add(d, arithmetic.rounded(self.eps), out=d)
        arithmetic.add_quotient(self.parameters, self.m, d, -(lr / (1 - beta1**step)))
