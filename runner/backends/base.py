"""The protocol that every backend follows, and what goes in and comes out of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from runner.arrays import Array, Shape
from runner.losses.base import Loss
from runner.network import Network
from runner.optimizers.base import Optimizer

if TYPE_CHECKING:
    from runner.clipping.base import Clip
    from runner.schedules.base import Schedule

Empty = Callable[[Shape, np.dtype[Any]], Array]
"""Makes an uninitialised array of a shape and dtype; noisy arithmetic gives its own."""


@dataclass(frozen=True)
class Problem:
    """What every backend computes, and with how many threads: a run's mathematics, free of its configuration.

    ``rates`` are the learning rates of a stack's replicas, equal ones side by side; empty where all have ``lr``.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    lr: float
    threads: int = 1
    clip: Clip | None = None
    schedule: Schedule | None = None
    steps_per_epoch: int = 1
    steps: int = 1
    rates: tuple[float, ...] = ()

    @property
    def advances(self) -> int:
        """How often the schedule moves in the whole run."""
        per_epoch = self.schedule is not None and self.schedule.per == "epoch"
        return self.steps // self.steps_per_epoch if per_epoch else self.steps


@dataclass(frozen=True)
class State:
    """Everything that a backend carries from one step to the next, as arrays under their names."""

    parameters: Mapping[str, Array]
    buffers: Mapping[str, Array] = field(default_factory=dict)
    optimizer: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What a step is given: the state it starts from, x (batch, *sample), y (batch, *out), and its random numbers.

    ``training`` is False in evaluation mode.
    """

    state: State
    x: Array
    y: Array
    draws: Mapping[str, Array] = field(default_factory=dict)
    training: bool = True


@dataclass(frozen=True)
class Step:
    """One forward and backward pass.

    Its arrays belong to the backend and hold until its next step.

    Attributes:
        loss: The loss, of shape ().
        prediction: The network's output, (batch, *out).
        gradients: The gradient of the loss with respect to each parameter, under its name and of its shape.
        activations: The output of each layer under its name, where the backend can give it.
        deltas: The gradient of the loss with respect to each of these outputs, where the backend can give it.
    """

    loss: Array
    prediction: Array
    gradients: Mapping[str, Array]
    activations: Mapping[str, Array] = field(default_factory=dict)
    deltas: Mapping[str, Array] = field(default_factory=dict)


KEEPS_SOMETHING = "returned other numbers for the same arguments: it keeps something between calls"


class FormError(Exception):
    """What a backend returns has not the form of a step: a finding about it, in words, and no fault of ours.

    Args:
        backend: Its name.
        words: What it did, as in "returned a loss of shape (3,), not one number".
        tensor: The one that is at fault; empty where it is none or several.
    """

    def __init__(self, backend: str, words: str, tensor: str = "") -> None:
        self.backend, self.words, self.tensor = backend, words, tensor
        super().__init__(f"{backend} {words}")


class Backend(Protocol):
    """One side of the comparison, made for one dtype and one device."""

    name: str

    def load(self, state: State) -> None:
        """Takes a copy of ``state``; shares no memory with anyone."""
        ...

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        """Forward, loss and backward for x (batch, *sample) and y (batch, *out); updates no parameter.

        ``draws`` are the step's random numbers, the same for every backend: they are needed in training alone.
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

    stacks: ClassVar[bool] = False
    """Whether it can compute many runs at once (``make_stacked``)."""

    def check(self) -> None:  # noqa: B027  (most backends have nothing to check)
        """Raises ConfigError, its key relative to the backend, where a value is wrong."""

    def fits(self, network: Network) -> None:  # noqa: B027
        """Raises ConfigError, its key relative to the backend, where it does not fit the network."""

    def check_dtype(self, dtype: np.dtype[Any]) -> None:  # noqa: B027
        """Raises ConfigError, its key relative to the backend, where a run in ``dtype`` is not for it."""

    def rounds_factors(self, dtype: np.dtype[Any]) -> bool:
        """Whether, made for ``dtype``, it rounds the factors of products to TF32, and is told so by its key tf32."""
        return False

    def computes_on(self) -> dict[str, Any]:
        """What it computes on besides the CPU, as environment.json has it; empty for nothing."""
        return {}

    def only_dtype(self) -> str | None:
        """The one dtype that it computes in, whatever it is made for; None if it follows."""
        return None

    def as_told(self, name: str, key: str, value: str) -> str:
        """How a person tells the backend of that name that its ``key`` is ``value``: as on the command line."""
        return f"backend.{name}.{key}={value}"

    def files(self) -> list[Path]:
        """The user's own files that the backend is made of, to be kept with the records."""
        return []

    def needs_layers(self) -> bool:
        """Whether it computes the network from the project's own layers."""
        return True

    def own_network(self, network: Network) -> Network | None:
        """The network that it brings itself, where it does not fit ``network``; None if it brings none or fits."""
        return None

    def hidden(self, network: Network) -> str:
        """In words, what it carries from step to step that its ``state`` does not have; empty for nothing."""
        return ""

    @abstractmethod
    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        """A backend of that name with the problem's parameters still unset."""

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        """The same for so many replicas at once, where ``stacks`` says that it can.

        Every array that it is given and gives has an axis of replicas in front, but for scalars of the optimizer's
        state that all replicas share, of shape ().
        """
        raise NotImplementedError

    def make_over(self, name: str, problem: Problem, empty: Empty) -> Backend | None:
        """A float64 backend over arrays that ``empty`` makes; None where it computes with others (torch's)."""
        return None


def views(flat: Array, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """One array a name, (*replicas, *shape), each a part of the vector ``flat`` (*replicas, numbers), in order."""
    made, at, replicas = {}, 0, flat.shape[:-1]
    for name, shape in shapes.items():
        end = at + prod(shape)
        made[name] = flat[..., at:end].reshape(*replicas, *shape)
        at = end
    return made


def check_repeats(backend: str, first: Step, second: Step) -> None:
    """Two calls on the same input must give the same bits.

    Raises:
        FormError: They do not.
    """
    pairs = {"loss": (first.loss, second.loss), "prediction": (first.prediction, second.prediction)}
    pairs |= {name: (gradient, second.gradients[name]) for name, gradient in first.gradients.items()}
    different = [name for name, (a, b) in pairs.items() if not np.array_equal(a, b, equal_nan=True)]
    if different:
        words = f"returned other bits when it was called again with the same input, in {', '.join(different)}"
        raise FormError(backend, words, different[0])
