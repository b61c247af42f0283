"""The torch backend: the same network built from the layers' twins, differentiated by PyTorch autograd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, BackendChoice, Problem, State, Step


@dataclass(frozen=True, kw_only=True)
class Torch(BackendChoice):
    """PyTorch eager on the CPU."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return TorchBackend(name, problem, dtype)


class TorchBackend:
    """torch.nn modules, loss.backward() and a torch.optim optimizer."""

    def __init__(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> None:
        import torch

        torch.set_num_threads(problem.threads)
        self.name = name
        self._tensor = torch.tensor
        self._loss = problem.loss
        self._dtype: torch.dtype = getattr(torch, dtype.name)
        self._module = problem.network.torch().to(self._dtype)
        self._parameters = dict(self._module.named_parameters())
        self._views = {name: p.detach().numpy() for name, p in self._parameters.items()}
        self._optimizer = problem.optimizer.torch(self._parameters.values(), problem.lr)

    def load(self, state: State) -> None:
        for name, mine in self._views.items():
            mine[...] = state.parameters[name]

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        self._optimizer.zero_grad(set_to_none=True)
        prediction = self._module(self._tensor(x, dtype=self._dtype))
        loss = self._loss.torch(prediction, self._tensor(y, dtype=self._dtype))
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = {}
        for name, p in self._parameters.items():
            assert p.grad is not None, name
            gradients[name] = p.grad.numpy()
        return Step(loss.detach().numpy(), prediction.detach().numpy(), gradients)

    def update(self) -> None:
        self._optimizer.step()

    def state(self) -> State:
        return State(self._views)
