"""The protocol that every backend follows, and what goes in and comes out of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from runner.arrays import Array
from runner.losses.base import Loss
from runner.network import Network
from runner.optimizers.base import Optimizer


@dataclass(frozen=True)
class Problem:
    """What every backend computes, and with how many threads: a run's mathematics, free of its configuration."""

    network: Network
    loss: Loss
    optimizer: Optimizer
    lr: float
    threads: int = 1


@dataclass(frozen=True)
class State:
    """Everything that a backend carries from one step to the next, as arrays under their names."""

    parameters: Mapping[str, Array]
    buffers: Mapping[str, Array] = field(default_factory=dict)
    optimizer: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One forward and backward pass.

    Its arrays belong to the backend and hold until its next step.

    Attributes:
        loss: The loss, of shape ().
        prediction: The network's output, (batch, out).
        gradients: The gradient of the loss with respect to each parameter, under its name and of its shape.
    """

    loss: Array
    prediction: Array
    gradients: Mapping[str, Array]


class Backend(Protocol):
    """One side of the comparison, made for one dtype and one device."""

    name: str

    def load(self, state: State) -> None:
        """Takes a copy of ``state``; shares no memory with anyone."""
        ...

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        """Forward, loss and backward for x (batch, features) and y (batch, out); updates no parameter.

        ``draws`` are the step's random numbers, the same for every backend.
        """
        ...

    def update(self) -> None:
        """One optimizer step with the last step's gradients."""
        ...

    def state(self) -> State:
        """Views of what the backend carries; whoever keeps them copies them."""
        ...


@dataclass(frozen=True, kw_only=True)
class BackendChoice(ABC):
    """A backend's configuration: makes the backend, and its twins, for a dtype."""

    @abstractmethod
    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        """A backend of that name with the problem's parameters still unset."""
