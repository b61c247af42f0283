"""A schedule run alone, by hand and by torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch.optim.lr_scheduler import ReduceLROnPlateau

from runner.config import build
from runner.optimizers.base import Optimizer
from runner.schedules.base import Rates, Schedule
from tests.helpers import CATALOG

LR, ROUNDINGS = 0.05, 8
"""Roundings a step: the formulas go from one learning rate to the next."""

COUNTED = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")


def make_schedule(name: str, keys: Mapping[str, Any]) -> Schedule:
    defaults = OmegaConf.to_container(OmegaConf.load(CATALOG.find("schedule", name, "schedule")))
    assert isinstance(defaults, dict)
    return build({**defaults, **keys}, "schedule", Schedule)


def losses(total: int) -> list[float]:
    """They fall, stand still, rise, are no number, fall below, and stand still again."""
    made = [4.0, 3.0, 2.9, 2.9, 2.95, 2.8, 3.5, float("nan"), 2.0, 2.0, 2.0, 1.99, 1.5, 1.5, 1.5, 0.0, 0.0, -1.0, -1.0]
    return [made[k] if k < len(made) else 1.0 - 0.001 * k for k in range(total)]


@dataclass
class Twin:
    """A torch optimizer and its scheduler."""

    schedule: Schedule
    optimizer: torch.optim.Optimizer
    total: int

    def __post_init__(self) -> None:
        self.scheduler = self.schedule.torch(self.optimizer, self.total)
        self.group = self.optimizer.param_groups[0]

    def advance(self, loss: float) -> None:
        self.optimizer.step()
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(loss)
        elif self.scheduler is not None:
            self.scheduler.step()

    def state(self) -> dict[str, float]:
        found = {"lr": self.group["lr"]}
        if getattr(self.scheduler, "cycle_momentum", False):
            found["momentum"] = self.group["betas"][0] if "betas" in self.group else self.group["momentum"]
        return found | {key: getattr(self.scheduler, key) for key in COUNTED if hasattr(self.scheduler, key)}


def make_twin(schedule: Schedule, optimizer: Optimizer, total: int, lr: float = LR) -> Twin:
    parameter = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    parameter.grad = torch.ones(3, dtype=torch.float64)
    return Twin(schedule, optimizer.torch([parameter], lr), total)


def assert_agree(rates: Rates, wanted: Mapping[str, float], steps: int, of: float) -> None:
    """Within roundings of themselves; where torch's formula goes down to 0, of ``of``."""
    found = rates.state()
    assert set(found) == set(wanted)
    for key, value in found.items():
        assert not value.ndim
        assert value.dtype == np.float64
        if key in ("lr", "momentum"):
            room = ROUNDINGS * (steps + 1) * np.finfo(np.float64).eps
            assert float(value) == pytest.approx(wanted[key], rel=room, abs=room * of), key
        else:
            np.testing.assert_array_equal(float(value), wanted[key])
    assert rates.lr == found["lr"]
    assert rates.momentum == found.get("momentum")


def go_on(rates: Rates, of: Sequence[float]) -> None:
    for loss in of:
        rates.advance(loss)


def run(twin: Twin, total: int) -> None:
    for _ in range(total):
        twin.advance(0.0)
