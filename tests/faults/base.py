"""How a backend is made that differs from the scratch backend in one respect."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.backends.base import Backend, BackendChoice, Problem, Step
from runner.backends.scratch import ScratchBackend
from runner.layers.base import Buffers, Layer, Parameter, Pass
from runner.losses.base import Loss, LossPass
from runner.network import Network, Place

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Altered(BackendChoice):
    """The scratch backend for a problem that is spoiled before it sees it."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return ScratchBackend(name, self.alter(problem), dtype)

    @abstractmethod
    def alter(self, problem: Problem) -> Problem:
        """The problem with one thing changed."""


class AlteredStep(ScratchBackend):
    """The scratch backend whose step is changed after it is right."""

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        return self.after(super().step(x, y, draws=draws, training=training), x, y)

    def after(self, step: Step, x: Array, y: Array) -> Step:
        """What comes out in place of the right ``step``."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class OtherPass(Layer):
    """A layer with another NumPy pass in place of its own."""

    right: Layer
    make_pass: Callable[[Buffers], Pass]

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.right.output_shape(input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return self.right.parameters(input_shape)

    def scratch(self, buffers: Buffers) -> Pass:
        return self.make_pass(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        return self.right.torch(input_shape)

    def describe(self, input_shape: Shape) -> str:
        return self.right.describe(input_shape)


@dataclass(frozen=True, kw_only=True)
class OtherLoss(Loss):
    """A loss with another NumPy pass in place of its own."""

    right: Loss
    make_pass: Callable[[Shape, Callable[[Shape], Array]], LossPass]

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array]) -> LossPass:
        return self.make_pass(shape, empty)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.right.torch(prediction, y)


def with_passes(
    problem: Problem, kind: type[Layer], make_pass: Callable[[Buffers], Pass], name: str | None = None
) -> Problem:
    """Every layer of that kind (or the one of that name alone) computed by another pass."""

    def changed(place: Place) -> Place:
        if not isinstance(place.layer, kind) or name not in (None, place.name):
            return place
        return replace(place, layer=OtherPass(name=None, right=place.layer, make_pass=make_pass))

    return replace(problem, network=Network(tuple(changed(place) for place in problem.network.places)))


def with_loss(problem: Problem, make_pass: Callable[[Shape, Callable[[Shape], Array]], LossPass]) -> Problem:
    return replace(problem, loss=OtherLoss(right=problem.loss, make_pass=make_pass))
