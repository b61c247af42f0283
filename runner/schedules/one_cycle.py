"""One cycle: the learning rate rises, then falls below where it began (torch.optim.lr_scheduler.OneCycleLR)."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, inf, pi
from typing import TYPE_CHECKING, Literal, cast

from runner.errors import ConfigError
from runner.optimizers.base import Optimizer
from runner.optimizers.ranges import from_zero, one_of, whole
from runner.schedules.base import Schedule, ScratchRates

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True)
class Phase:
    """A part of the cycle: its ends in steps, and the learning rate and the momentum at each."""

    begin: float
    end: float
    lr: tuple[float, float]
    momentum: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """``max_lr``, null for the run's learning rate, over ``div_factor``; up to it; down by ``final_div_factor`` more.

    In ``total_steps`` advances, null for all of the run's. ``pct_start`` is the part of them that rises; with
    ``three_phase`` as many fall back to the beginning, and the rest falls on from there. The momentum falls from
    ``max_momentum`` to ``base_momentum`` as the learning rate rises, and rises as it falls.
    """

    max_lr: float | None
    total_steps: int | None
    pct_start: float
    anneal_strategy: str
    cycle_momentum: bool
    base_momentum: float
    max_momentum: float
    div_factor: float
    final_div_factor: float
    three_phase: bool

    def check(self) -> None:
        super().check()
        from_zero(max_lr=self.max_lr or 0.0)
        if self.total_steps is not None:
            whole("total_steps", self.total_steps, 1)
        if not 0 <= self.pct_start <= 1:
            raise ConfigError("pct_start", self.pct_start, "a number from 0 to 1")
        one_of("anneal_strategy", self.anneal_strategy, ("cos", "linear"))
        for key in ("base_momentum", "max_momentum"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(key, getattr(self, key), "a number from 0 to below 1")
        for key in ("div_factor", "final_div_factor"):
            if not 0 < getattr(self, key) < inf:
                raise ConfigError(key, getattr(self, key), "a finite number above 0")

    def fits(self, optimizer: Optimizer, total: int) -> None:
        if self.cycle_momentum and optimizer.initial_momentum() is None:
            got = f"true with {type(optimizer).__name__}, which has neither momentum nor betas"
            raise ConfigError("cycle_momentum", got, "false")
        if self.total_steps is not None and self.total_steps < total:
            raise ConfigError(
                "total_steps", self.total_steps, f"null, or a whole number from {total}, the run's advances"
            )
        phases = self.phases(1.0, total)
        for k in (0, total):
            phase = phase_at(phases, k)
            if phase.begin == phase.end:
                got = f"{self.pct_start}, which leaves no step to one phase of {self.total_steps or total} steps"
                raise ConfigError("pct_start", got, "a part that leaves some to each")

    def phases(self, lr: float, total: int) -> list[Phase]:
        """The phases of a run with the learning rate ``lr`` and so many advances."""
        steps, top = self.total_steps or total, lr if self.max_lr is None else self.max_lr
        first = top / self.div_factor
        last, low, high = first / self.final_div_factor, self.base_momentum, self.max_momentum
        rise = self.pct_start * steps - 1
        rising = Phase(0.0, rise, (first, top), (high, low))
        if not self.three_phase:
            return [rising, Phase(rise, steps - 1.0, (top, last), (low, high))]
        fall = 2 * self.pct_start * steps - 2
        falling = Phase(rise, fall, (top, first), (low, high))
        return [rising, falling, Phase(fall, steps - 1.0, (first, last), (high, high))]

    def scratch(self, lr: float, momentum: float | None, total: int) -> ScratchOneCycle:
        return ScratchOneCycle(self, lr, total)

    def torch(self, optimizer: torch.optim.Optimizer, total: int) -> LRScheduler:
        from torch.optim.lr_scheduler import OneCycleLR

        return OneCycleLR(
            optimizer,
            max_lr=optimizer.param_groups[0]["lr"] if self.max_lr is None else self.max_lr,
            total_steps=self.total_steps or total,
            pct_start=self.pct_start,
            anneal_strategy=cast(Literal["cos", "linear"], self.anneal_strategy),
            cycle_momentum=self.cycle_momentum,
            base_momentum=self.base_momentum,
            max_momentum=self.max_momentum,
            div_factor=self.div_factor,
            final_div_factor=self.final_div_factor,
            three_phase=self.three_phase,
        )


class ScratchOneCycle(ScratchRates):
    """The learning rate, or the momentum, at advance k of a phase from step A to step B, from a to b.

    q = (k - A) / (B - A);  a -> b = b + (a - b) / 2 (1 + cos(pi q)) if anneal_strategy is cos;
    a -> b = a + (b - a) q if it is linear.

    Derived in docs/derivations/schedules.md.
    """

    def __init__(self, schedule: OneCycle, lr: float, total: int) -> None:
        self.schedule, self.phases = schedule, schedule.phases(lr, total)
        self.carried = (*self.carried, "momentum") if schedule.cycle_momentum else self.carried
        super().__init__(lr)

    def begin(self) -> None:
        super().begin()
        self.lr = self.following(0.0)

    def following(self, k: float) -> float:
        phase = phase_at(self.phases, k)
        q = (k - phase.begin) / (phase.end - phase.begin)
        if self.schedule.cycle_momentum:
            self.momentum = self._between(phase.momentum, q)
        return self._between(phase.lr, q)

    def _between(self, ends: tuple[float, float], q: float) -> float:
        a, b = ends
        return b + (a - b) / 2 * (1 + cos(pi * q)) if self.schedule.anneal_strategy == "cos" else (b - a) * q + a


def phase_at(phases: list[Phase], k: float) -> Phase:
    """The phase of advance ``k``: the first that has not ended, or the last."""
    return next((phase for phase in phases if k <= phase.end), phases[-1])
