"""Clipping, optimizer and schedule by torch, and what they carry under our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from runner.arrays import Array
from runner.backends.base import Problem
from runner.backends.tensors import to_numpy, to_torch
from runner.backends.training import SCHEDULE, Cycle, Losses

COUNTED = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")
"""What a schedule of torch carries besides what it moves."""


class TorchTraining:
    """What torch does at the end of a step with these parameters, under our names."""

    def __init__(self, problem: Problem, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        self._parameters = parameters
        self._optimizer = problem.optimizer.torch(parameters.values(), problem.lr)
        self._clip = None if problem.clip is None else problem.clip.torch(list(parameters.values()))
        self._begun = {name: _copied(self._optimizer.state.get(p, {})) for name, p in parameters.items()}
        self._cycle = None
        if problem.schedule is not None:
            scheduler = problem.schedule.torch(self._optimizer, problem.advances)
            self._cycle = Cycle(problem, _Scheduler(scheduler, self._optimizer))

    def clear(self) -> None:
        """Before a step: no parameter has a gradient."""
        self._optimizer.zero_grad(set_to_none=True)

    def update(self, loss: Losses) -> None:
        """One update with the gradients that the parameters have."""
        if self._clip is not None:
            self._clip()
        self._optimizer.step()
        if self._cycle is not None:
            self._cycle.after_update(loss)

    def state(self) -> dict[str, Array]:
        """Scalars under their names, the step's of the first parameter; else a view a parameter."""
        found: dict[str, Array] = {}
        for name, p in self._parameters.items():
            for kind, value in self._optimizer.state.get(p, {}).items():
                if isinstance(value, torch.Tensor) and value.ndim:
                    found[f"{kind}.{name}"] = to_numpy(value)
                elif value is not None:
                    found.setdefault(kind, np.array(float(value)))
        return found if self._cycle is None else found | self._cycle.state()

    def load(self, state: Mapping[str, Array]) -> None:
        """Takes a copy of what ``state`` gave, of this side or of another; of nothing, it begins anew."""
        if self._cycle is not None:
            self._cycle.load(state)
        own = {key: value for key, value in state.items() if not key.startswith(SCHEDULE)}
        if not own:
            if self._optimizer.state:
                for name, p in self._parameters.items():
                    self._optimizer.state[p] = _copied(self._begun[name])
            return
        scalars = {key: float(value) for key, value in own.items() if not value.ndim}
        for name, p in self._parameters.items():
            mine = self._optimizer.state[p]
            for kind, number in scalars.items():
                mine[kind] = torch.tensor(number)
            for key, value in own.items():
                kind, _, parameter = key.partition(".")
                if parameter == name:
                    mine[kind] = to_torch(value, p.dtype, p.device)


class _Scheduler:
    """A schedule of torch, as ``Cycle`` moves it."""

    def __init__(self, scheduler: Any, optimizer: torch.optim.Optimizer) -> None:
        self._scheduler, self._group = scheduler, optimizer.param_groups[0]
        self._momentum = getattr(scheduler, "cycle_momentum", False)
        self._by_loss = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)

    def advance(self, loss: float) -> None:
        self._scheduler.step(loss) if self._by_loss else self._scheduler.step()

    def state(self) -> dict[str, Array]:
        moved = {"lr": self._group["lr"]}
        if self._momentum:
            moved["momentum"] = self._group["betas"][0] if "betas" in self._group else self._group["momentum"]
        kept = {key: getattr(self._scheduler, key) for key in COUNTED if hasattr(self._scheduler, key)}
        return {key: np.array(float(value)) for key, value in (moved | kept).items()}

    def load(self, state: Mapping[str, Array]) -> None:
        self._group["lr"] = float(state["lr"])
        if self._momentum and "betas" in self._group:
            self._group["betas"] = (float(state["momentum"]), *self._group["betas"][1:])
        elif self._momentum:
            self._group["momentum"] = float(state["momentum"])
        for key in COUNTED:
            if key in state:
                value = float(state[key])
                setattr(self._scheduler, key, value if key == "best" else int(value))


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.clone() if isinstance(value, torch.Tensor) else value for key, value in state.items()}
