"""Cosine: the learning rate falls as half a cosine wave (torch.optim.lr_scheduler.CosineAnnealingLR)."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import TYPE_CHECKING

from runner.optimizers.ranges import from_zero, whole
from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """From the run's learning rate to ``eta_min`` in ``t_max`` advances, null: in all of the run's; then up again."""

    t_max: int | None
    eta_min: float

    def check(self) -> None:
        super().check()
        if self.t_max is not None:
            whole("t_max", self.t_max, 1)
        from_zero(eta_min=self.eta_min)

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchCosine:
        return ScratchCosine(lr, self.t_max or total, self.eta_min)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler:
        from torch.optim.lr_scheduler import CosineAnnealingLR

        return CosineAnnealingLR(optimizer, T_max=self.t_max or total, eta_min=self.eta_min)


class ScratchCosine(ScratchRates):
    """The learning rate lr at advance k, from 1, and lr_0, the run's own; T is t_max.

    lr <- (1 + cos(pi k / T)) / (1 + cos(pi (k - 1) / T)) (lr - eta_min) + eta_min;
    lr <- lr + (lr_0 - eta_min) (1 - cos(pi / T)) / 2 if k - 1 is an odd multiple of T.

    Derived in docs/derivations/schedules.md.
    """

    def __init__(self, lr: float, t_max: int, eta_min: float) -> None:
        super().__init__(lr)
        self.t_max, self.eta_min = t_max, eta_min

    def following(self, k: float) -> float:
        t_max, eta_min = self.t_max, self.eta_min
        if (k - 1 - t_max) % (2 * t_max) == 0:
            return self.lr + (self.first - eta_min) * (1 - cos(pi / t_max)) / 2
        return (1 + cos(pi * k / t_max)) / (1 + cos(pi * (k - 1) / t_max)) * (self.lr - eta_min) + eta_min
