"""Exponential: the learning rate falls by a factor each time (torch.optim.lr_scheduler.ExponentialLR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.optimizers.ranges import from_zero
from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """``gamma`` times the learning rate after every advance."""

    gamma: float

    def check(self) -> None:
        super().check()
        from_zero(gamma=self.gamma)

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchExponential:
        return ScratchExponential(self, lr)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler:
        from torch.optim.lr_scheduler import ExponentialLR

        return ExponentialLR(optimizer, gamma=self.gamma)


class ScratchExponential(ScratchRates):
    """The learning rate lr.

    lr <- gamma lr.

    Derived in docs/derivations/schedules.md.
    """

    def __init__(self, schedule: Exponential, lr: float) -> None:
        super().__init__(lr)
        self.gamma = schedule.gamma

    def following(self, k: float) -> float:
        return self.lr * self.gamma
