"""Wrong passes and losses that are another pass altogether, or the right one of another configuration."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from runner.backends.base import Problem
from runner.layers.base import Buffers, Layer, Pass
from runner.losses.base import Loss
from tests.faults.base import Altered, with_loss, with_passes


@dataclass(frozen=True, kw_only=True)
class WrongPass(Altered):
    """Every layer of one kind is computed by the pass that ``wrong`` makes."""

    kind: ClassVar[type[Layer]]

    def alter(self, problem: Problem) -> Problem:
        for place in problem.network.places:
            if isinstance(place.layer, self.kind):
                problem = with_passes(problem, self.kind, partial(self.wrong, place.layer), place.name)
        return problem

    @abstractmethod
    def wrong(self, layer: Any, buffers: Buffers) -> Pass:
        """The pass that takes the place of that of ``layer``, which is of this kind."""


@dataclass(frozen=True, kw_only=True)
class OtherKeys(WrongPass):
    """Every layer of one kind is computed as ``other`` configures it, forward and backward."""

    def wrong(self, layer: Any, buffers: Buffers) -> Pass:
        return self.other(layer).scratch(buffers)

    @abstractmethod
    def other(self, layer: Any) -> Layer:
        """The layer with other keys, or of another kind with the same parameters."""


@dataclass(frozen=True, kw_only=True)
class OtherLossKeys(Altered):
    """The loss is computed, value and gradient, as ``other`` configures it."""

    def alter(self, problem: Problem) -> Problem:
        return with_loss(problem, self.other(problem.loss).scratch)

    @abstractmethod
    def other(self, loss: Any) -> Loss:
        """The loss with other keys, or another that takes the same targets."""
