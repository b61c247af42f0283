"""Stochastic gradient descent: p <- p - lr g, with momentum (torch.optim.SGD)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array
from runner.errors import ConfigError
from runner.optimizers.arithmetic import Rate
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import from_zero
from runner.optimizers.updating import Descent

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Plain where ``momentum`` is 0; ``dampening`` is the part of each gradient that does not reach the buffer."""

    momentum: float
    dampening: float
    weight_decay: float
    nesterov: bool
    maximize: bool

    def check(self) -> None:
        from_zero(momentum=self.momentum, weight_decay=self.weight_decay)
        if not isfinite(self.dampening):
            raise ConfigError("dampening", self.dampening, "a finite number")
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            got = f"true beside momentum {self.momentum} and dampening {self.dampening}"
            raise ConfigError("nesterov", got, "false, or true beside a momentum above 0 and dampening 0")

    def initial_momentum(self) -> float | None:
        return self.momentum

    def scratch(self, parameters: Array, gradients: Array) -> ScratchSGD:
        return ScratchSGD(self, parameters, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(
            parameters,
            lr=lr,
            momentum=self.momentum,
            dampening=self.dampening,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
            maximize=self.maximize,
        )


class ScratchSGD(Descent):
    """p, g and b (*replicas, parameters): parameters, gradients and, where there is momentum, ``momentum_buffer``.

    g <- -g if maximize;  g <- g + weight_decay p;  b <- g at the first step;
    b <- momentum b + (1 - dampening) g after it;  d = b;  d = g + momentum b if nesterov;  p <- p - lr d.

    Where momentum is 0 there is no b, and d is g. In 16 bits the learning rate is rounded to the dtype, as torch has
    it, and the rest computed in float32 and rounded once. (Torch does the same, but for the last elements of a tensor,
    short of a vector register: it rounds their product too.)

    Derived in docs/derivations/sgd.md.
    """

    def __init__(self, optimizer: SGD, parameters: Array, gradients: Array) -> None:
        super().__init__(parameters, gradients, optimizer.weight_decay, optimizer.maximize)
        self.optimizer = optimizer
        self.buffer: Array | None = None  # made when a step first needs it: a schedule may bring the momentum
        self.begun = False
        self.ahead = np.empty_like(parameters) if optimizer.nesterov else None

    def update(self, lr: Rate, momentum: float | None = None) -> None:
        momentum = self.optimizer.momentum if momentum is None else momentum
        d = self._moved(self.gradient(lr), momentum) if momentum else self.gradient(lr)
        work = self.arithmetic.work
        np.multiply(d, self.arithmetic.factor(lr), out=work)
        np.subtract(self.parameters, work, out=self.parameters)

    def _moved(self, g: Array, momentum: float) -> Array:
        b = self._buffer()
        if self.begun:
            self.arithmetic.scale(b, momentum)
            self.arithmetic.add_scaled(b, g, 1 - self.optimizer.dampening, out=b)
        else:
            b[...] = g
            self.begun = True
        return b if self.ahead is None else self.arithmetic.add_scaled(g, b, momentum, out=self.ahead)

    def _buffer(self) -> Array:
        if self.buffer is None:
            self.buffer = np.empty_like(self.parameters)
        return self.buffer

    def state(self) -> dict[str, Array]:
        return {"momentum_buffer": self._buffer()} if self.begun else {}

    def load(self, state: Mapping[str, Array]) -> None:
        self.begun = "momentum_buffer" in state
        if self.begun:
            self._buffer()[...] = state["momentum_buffer"]


PLAIN = SGD(momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False)
"""p <- p - lr g and nothing else."""
