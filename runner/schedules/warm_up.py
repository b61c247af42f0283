"""Warm-up: the learning rate rises in a straight line (torch.optim.lr_scheduler.LinearLR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import ConfigError
from runner.optimizers.ranges import whole
from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, kw_only=True)
class WarmUp(Schedule):
    """From ``start_factor`` to ``end_factor`` times the run's learning rate, in ``total_iters`` advances."""

    start_factor: float
    end_factor: float
    total_iters: int

    def check(self) -> None:
        super().check()
        if not 0 < self.start_factor <= 1:
            raise ConfigError("start_factor", self.start_factor, "a number above 0, to 1")
        if not 0 <= self.end_factor <= 1:
            raise ConfigError("end_factor", self.end_factor, "a number from 0 to 1")
        whole("total_iters", self.total_iters, 0)

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchWarmUp:
        return ScratchWarmUp(self, lr)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler:
        from torch.optim.lr_scheduler import LinearLR

        return LinearLR(
            optimizer, start_factor=self.start_factor, end_factor=self.end_factor, total_iters=self.total_iters
        )


class ScratchWarmUp(ScratchRates):
    """The learning rate lr at advance k, from 1; s, e and T are start_factor, end_factor and total_iters.

    lr <- s lr before the first step;  lr <- lr (1 + (e - s) / (T s + (k - 1) (e - s))) if k <= T.

    Derived in docs/derivations/schedules.md.
    """

    def __init__(self, schedule: WarmUp, lr: float) -> None:
        self.schedule = schedule
        super().__init__(lr)

    def begin(self) -> None:
        super().begin()
        self.lr *= self.schedule.start_factor

    def following(self, k: float) -> float:
        s, e, total = self.schedule.start_factor, self.schedule.end_factor, self.schedule.total_iters
        return self.lr * (1 + (e - s) / (total * s + (k - 1) * (e - s))) if k <= total else self.lr
