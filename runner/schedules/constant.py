"""Constant: the learning rate stays what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The run's own learning rate."""

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchConstant:
        return ScratchConstant(lr)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> None:
        return None


class ScratchConstant(ScratchRates):
    """The learning rate lr.  lr <- lr.

    Derived in docs/derivations/schedules.md.
    """

    carried = ("lr",)

    def following(self, k: float) -> float:
        return self.lr
