"""Plateau: the learning rate falls where the loss has stopped falling (torch.optim.lr_scheduler.ReduceLROnPlateau)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal, cast

from runner.errors import ConfigError
from runner.optimizers.ranges import from_zero, one_of, whole
from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import ReduceLROnPlateau


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """``factor`` times the learning rate after more than ``patience`` advances whose loss was no better than the best.

    ``mode``: ``min`` or ``max``, which loss is better; by ``threshold``, of the best (``rel``) or itself (``abs``).
    ``cooldown``: advances after a fall that do not count. ``eps``: a fall that is no larger is left out.
    """

    mode: str
    factor: float
    patience: int
    threshold: float
    threshold_mode: str
    cooldown: int
    min_lr: float
    eps: float

    def check(self) -> None:
        super().check()
        one_of("mode", self.mode, ("min", "max"))
        one_of("threshold_mode", self.threshold_mode, ("rel", "abs"))
        if not 0 <= self.factor < 1:
            raise ConfigError("factor", self.factor, "a number from 0 to below 1")
        whole("patience", self.patience, 0)
        whole("cooldown", self.cooldown, 0)
        from_zero(threshold=self.threshold, min_lr=self.min_lr, eps=self.eps)

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchPlateau:
        return ScratchPlateau(self, lr)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> ReduceLROnPlateau:
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        return ReduceLROnPlateau(
            optimizer,
            mode=cast(Literal["min", "max"], self.mode),
            factor=self.factor,
            patience=self.patience,
            threshold=self.threshold,
            threshold_mode=cast(Literal["rel", "abs"], self.threshold_mode),
            cooldown=self.cooldown,
            min_lr=self.min_lr,
            eps=self.eps,
        )


class ScratchPlateau(ScratchRates):
    """The learning rate lr, the loss L of an advance, the best so far, and how many bad ones came since.

    L < best (1 - threshold) is better in modes min, rel;  L < best - threshold in min, abs;
    L > best (1 + threshold) in max, rel;  L > best + threshold in max, abs;
    lr <- max(factor lr, min_lr) if bad > patience and lr falls by more than eps.

    Derived in docs/derivations/schedules.md.
    """

    carried = ("lr", "last_epoch", "best", "num_bad_epochs", "cooldown_counter")

    def __init__(self, schedule: Plateau, lr: float) -> None:
        self.schedule = schedule
        super().__init__(lr)

    def begin(self) -> None:
        super().begin()
        self.best = inf if self.schedule.mode == "min" else -inf
        self.num_bad_epochs = self.cooldown_counter = 0.0

    def advance(self, loss: float) -> None:
        if self._better(loss):
            self.best, self.num_bad_epochs = loss, 0.0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0.0
        super().advance(loss)

    def following(self, k: float) -> float:
        if self.num_bad_epochs <= self.schedule.patience:
            return self.lr
        self.cooldown_counter, self.num_bad_epochs = float(self.schedule.cooldown), 0.0
        lower = max(self.lr * self.schedule.factor, self.schedule.min_lr)
        return lower if self.lr - lower > self.schedule.eps else self.lr

    def _better(self, loss: float) -> bool:
        threshold, relative = self.schedule.threshold, self.schedule.threshold_mode == "rel"
        if self.schedule.mode == "min":
            return loss < (self.best * (1 - threshold) if relative else self.best - threshold)
        return loss > (self.best * (1 + threshold) if relative else self.best + threshold)
