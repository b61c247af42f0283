"""How a backend is made that differs from the scratch backend in one respect."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.backends.base import Backend, BackendChoice, Problem, Step
from runner.backends.scratch import ScratchBackend
from runner.layers.base import Buffers, Layer, Mask, Parameter, Pass
from runner.layers.linear import ScratchLinear
from runner.layers.narrow import pass_of
from runner.losses.base import Loss, LossPass
from runner.losses.narrow import loss_pass
from runner.network import Network, Place

if TYPE_CHECKING:
    import torch

MakeLossPass = Callable[[Shape, Callable[[Shape], Array], int], LossPass]


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


@dataclass(frozen=True)
class Site:
    """A layer on the way back: its input, its output, the delta that arrived, and what the right layer hands on."""

    x: Array
    y: Array
    delta: Array
    dx: Array
    own: Any

    @property
    def linear(self) -> ScratchLinear:
        """The layer's own pass, whose ``d_weight`` and ``d_bias`` are right and may be written over."""
        assert isinstance(self.own, ScratchLinear)
        return self.own


class _Around:
    """A right pass, and what is done after its backward."""

    def __init__(self, own: Pass, spoil: Callable[[Site], Array]) -> None:
        self.own, self.spoil = own, spoil

    def forward(self, x: Array) -> Array:
        self.x, self.y = x, self.own.forward(x)
        return self.y

    def backward(self, delta: Array) -> Array:
        return self.spoil(Site(self.x, self.y, delta, self.own.backward(delta), self.own))


@dataclass(frozen=True, kw_only=True)
class WrongBackward(Altered):
    """Every layer of one kind hands on what ``spoil`` gives, which may also write over the layer's gradients."""

    kind: ClassVar[type[Layer]]

    def alter(self, problem: Problem) -> Problem:
        own = {place.name: place.layer for place in problem.network.places}
        for name, layer in own.items():
            if isinstance(layer, self.kind):
                problem = with_passes(problem, self.kind, self._around(layer), name)
        return problem

    def _around(self, layer: Layer) -> Callable[[Buffers], Pass]:
        return lambda buffers: _Around(pass_of(layer, buffers), self.spoil)

    @abstractmethod
    def spoil(self, t: Site) -> Array:
        """The wrong gradient of the layer's input; or ``t.dx``, which is right."""


@dataclass(frozen=True)
class AtLoss:
    """Prediction and target (batch, out), the right loss and its right gradient."""

    p: Array
    y: Array
    loss: Array
    dp: Array


@dataclass(frozen=True, kw_only=True)
class WrongLoss(Altered):
    """A loss with another value, another gradient, or both."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, lambda *given: _LossAround(loss_pass(problem.loss, *given), self))

    def value(self, t: AtLoss) -> Array:
        """The loss."""
        return t.loss

    def slope(self, t: AtLoss) -> Array:
        """Its gradient by the prediction."""
        return t.dp


class _LossAround:
    def __init__(self, own: LossPass, wrong: WrongLoss) -> None:
        self.own, self.wrong = own, wrong

    def forward(self, prediction: Array, y: Array) -> Array:
        self.right = AtLoss(prediction, y, self.own.forward(prediction, y), self.own.backward())
        return np.asarray(self.wrong.value(self.right))

    def backward(self) -> Array:
        return np.asarray(self.wrong.slope(self.right))


@dataclass(frozen=True)
class Given:
    """What a step started from."""

    parameters: Mapping[str, Array]
    lr: float


@dataclass(frozen=True, kw_only=True)
class WrongGradients(BackendChoice):
    """The finished gradients are changed before they are returned."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _Finished(name, problem, dtype, self.changed)

    @abstractmethod
    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        """The wrong gradients, at least those that are wrong."""


class _Finished(AlteredStep):
    def __init__(
        self,
        name: str,
        problem: Problem,
        dtype: np.dtype[Any],
        changed: Callable[[Mapping[str, Array], Given], Mapping[str, Array]],
    ) -> None:
        super().__init__(name, problem, dtype)
        self._changed = changed

    def after(self, step: Step, x: Array, y: Array) -> Step:
        right = {name: np.array(gradient) for name, gradient in step.gradients.items()}
        for name, wrong in self._changed(right, Given(self._parameters, self._problem.lr)).items():
            step.gradients[name][...] = wrong
        return step


@dataclass(frozen=True, kw_only=True)
class OtherPass(Layer):
    """A layer with another NumPy pass in place of its own."""

    right: Layer
    make_pass: Callable[[Buffers], Pass]

    in_narrow: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.right.output_shape(input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return self.right.parameters(input_shape)

    def buffers(self, input_shape: Shape) -> dict[str, Array]:
        return self.right.buffers(input_shape)

    def masks(self, input_shape: Shape) -> dict[str, Mask]:
        return self.right.masks(input_shape)

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
    make_pass: MakeLossPass

    in_narrow: ClassVar[bool] = True

    def fits(self, output_shape: Shape, y: Array) -> None:
        self.right.fits(output_shape, y)

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> LossPass:
        return self.make_pass(shape, empty, replicas)

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

    return with_places(problem, [changed(place) for place in problem.network.places])


def with_places(problem: Problem, places: Sequence[Place]) -> Problem:
    return replace(problem, network=Network(tuple(places)))


def with_loss(problem: Problem, make_pass: MakeLossPass) -> Problem:
    return replace(problem, loss=OtherLoss(right=problem.loss, make_pass=make_pass))
