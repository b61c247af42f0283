"""Adadelta: steps of the size that past steps had (torch.optim.Adadelta)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array
from runner.errors import ConfigError
from runner.optimizers.arithmetic import Rate
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import from_zero
from runner.optimizers.updating import Counted

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Adadelta(Optimizer):
    """``rho``: how much of the mean square of g, and of that of the steps, a step keeps."""

    rho: float
    eps: float
    weight_decay: float
    maximize: bool

    def check(self) -> None:
        if not 0 <= self.rho <= 1:
            raise ConfigError("rho", self.rho, "a number from 0 to 1")
        from_zero(eps=self.eps, weight_decay=self.weight_decay)

    def scratch(self, parameters: Array, gradients: Array) -> ScratchAdadelta:
        return ScratchAdadelta(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adadelta(
            parameters,
            lr=lr,
            rho=self.rho,
            eps=self.eps,
            weight_decay=self.weight_decay,
            maximize=self.maximize,
        )


class ScratchAdadelta(Counted):
    """p, g, v and u (*replicas, parameters); v is ``square_avg``, u is ``acc_delta``, the mean square of the steps.

    g <- -g if maximize;  g <- g + weight_decay p;  v <- rho v + (1 - rho) g g;
    s = sqrt(u + eps) / sqrt(v + eps) g;  u <- rho u + (1 - rho) s s;  p <- p - lr s.

    Derived in docs/derivations/adadelta.md.
    """

    def __init__(self, optimizer: Adadelta, parameters: Array, gradients: Array) -> None:
        names = ["square_avg", "acc_delta"]
        super().__init__(parameters, gradients, names, optimizer.weight_decay, optimizer.maximize)
        self.rho, self.eps = optimizer.rho, optimizer.eps
        self.v, self.u = (self.carried[name] for name in names)
        self.s, self.root = np.empty_like(parameters), np.empty_like(parameters)

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        self.count()
        arithmetic, s, root = self.arithmetic, self.s, self.root
        g, eps = self.gradient(lr), arithmetic.rounded(self.eps)
        arithmetic.scale(self.v, self.rho)
        arithmetic.add_square(self.v, g, 1 - self.rho)
        np.sqrt(np.add(self.v, eps, out=root), out=root)
        np.sqrt(np.add(self.u, eps, out=s), out=s)
        np.divide(s, root, out=s)
        np.multiply(s, g, out=s)
        arithmetic.scale(self.u, self.rho)
        arithmetic.add_square(self.u, s, 1 - self.rho)
        arithmetic.add_scaled(self.parameters, s, -lr, out=self.parameters)
