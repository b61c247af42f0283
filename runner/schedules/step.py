"""Step: the learning rate falls by a factor every so often (torch.optim.lr_scheduler.StepLR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.optimizers.ranges import from_zero, whole
from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """``gamma`` times the learning rate after every ``step_size`` advances."""

    step_size: int
    gamma: float

    def check(self) -> None:
        super().check()
        whole("step_size", self.step_size, 1)
        from_zero(gamma=self.gamma)

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchStep:
        return ScratchStep(self, lr)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler:
        from torch.optim.lr_scheduler import StepLR

        return StepLR(optimizer, step_size=self.step_size, gamma=self.gamma)


class ScratchStep(ScratchRates):
    """The learning rate lr at advance k, from 1.

    lr <- gamma lr if step_size divides k.

    Derived in docs/derivations/schedules.md.
    """

    def __init__(self, schedule: Step, lr: float) -> None:
        super().__init__(lr)
        self.schedule = schedule

    def following(self, k: float) -> float:
        return self.lr * self.schedule.gamma if k % self.schedule.step_size == 0 else self.lr
