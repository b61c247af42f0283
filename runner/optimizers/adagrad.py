"""Adagrad: the gradient over the root of the sum of all its squares (torch.optim.Adagrad)."""

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
class Adagrad(Optimizer):
    """``initial_accumulator_value``: what the sum of squares begins at; ``lr_decay``: how much each step lowers lr."""

    lr_decay: float
    weight_decay: float
    initial_accumulator_value: float
    eps: float
    maximize: bool

    def check(self) -> None:
        from_zero(lr_decay=self.lr_decay, weight_decay=self.weight_decay, eps=self.eps)
        from_zero(initial_accumulator_value=self.initial_accumulator_value)

    def scratch(self, parameters: Array, gradients: Array) -> ScratchAdagrad:
        return ScratchAdagrad(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adagrad(
            parameters,
            lr=lr,
            lr_decay=self.lr_decay,
            weight_decay=self.weight_decay,
            initial_accumulator_value=self.initial_accumulator_value,
            eps=self.eps,
            maximize=self.maximize,
        )


class ScratchAdagrad(Counted):
    """p, g and s (*replicas, parameters); s is ``sum``, initial_accumulator_value before the first step.

    g <- -g if maximize;  g <- g + weight_decay p;  s <- s + g g;  d = sqrt(s) + eps;
    c = lr / (1 + (step - 1) lr_decay);  p <- p - c g / d.

    Derived in docs/derivations/adagrad.md.
    """

    def __init__(self, optimizer: Adagrad, parameters: Array, gradients: Array) -> None:
        super().__init__(parameters, gradients, ["sum"], optimizer.weight_decay, optimizer.maximize)
        self.lr_decay, self.eps, self.begin = optimizer.lr_decay, optimizer.eps, optimizer.initial_accumulator_value
        self.s, self.d = self.carried["sum"], np.empty_like(parameters)
        self.s[...] = self.begin

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        step, arithmetic, d = self.count(), self.arithmetic, self.d
        g = self.gradient(lr)
        arithmetic.add_square(self.s, g, 1.0)
        np.sqrt(self.s, out=d)
        np.add(d, arithmetic.rounded(self.eps), out=d)
        arithmetic.add_quotient(self.parameters, g, d, -(lr / (1 + (step - 1) * self.lr_decay)))

    def state(self) -> dict[str, Array]:
        return dict(self.carried)  # torch makes this one's before the first step

    def load(self, state: Mapping[str, Array]) -> None:
        super().load(state)
        if not state:
            self.s[...] = self.begin
