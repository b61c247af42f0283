"""Mistakes on the way back through a linear layer: dx = delta W."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.base import Buffers
from runner.layers.linear import Linear, ScratchLinear
from tests.faults.base import Altered, Site, WrongBackward, with_passes


class _WeightsAhead(ScratchLinear):
    """The weights are moved along their gradient before delta goes through them."""

    def __init__(self, buffers: Buffers, lr: float) -> None:
        super().__init__(buffers)
        self.lr = lr

    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        if self.dx is None:
            return back
        return np.matmul(delta, self.weight - self.lr * self.d_weight, out=self.dx)


class _WeightOfBefore(ScratchLinear):
    """delta goes through the weight of the layer before, where the shapes allow it."""

    def __init__(self, buffers: Buffers, weights: list[Array]) -> None:
        super().__init__(buffers)
        self.place, self.weights = len(weights), weights
        weights.append(self.weight)

    def backward(self, delta: Array) -> Array:
        back = super().backward(delta)
        other = self.weights[self.place - 1]
        if self.dx is None or other.shape != self.weight.shape:
            return back
        return np.matmul(delta, other, out=self.dx)


class TransposedWeight(WrongBackward):
    """delta goes through W^T where W is square."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        square = t.x.shape == t.y.shape and t.linear.dx is not None
        return t.delta @ t.linear.weight_t if square else t.dx


@dataclass(frozen=True, kw_only=True)
class UpdatedTooEarly(Altered):
    """Each layer's weights are updated before delta goes through them."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, lambda buffers: _WeightsAhead(buffers, problem.lr))


class WeightOfAnotherLayer(Altered):
    """delta goes through the weight of the layer before: an index that is off by one."""

    def alter(self, problem: Problem) -> Problem:
        weights: list[Array] = []
        return with_passes(problem, Linear, lambda buffers: _WeightOfBefore(buffers, weights))


class WeightMissing(WrongBackward):
    """delta goes past a square weight as if it were not there."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return t.delta if t.x.shape == t.y.shape else t.dx


class WeightSign(WrongBackward):
    """delta goes back through -W."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return -t.dx


class Detached(WrongBackward):
    """Nothing goes back through a square weight: the layers below it get 0."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return np.zeros_like(t.dx) if t.x.shape == t.y.shape else t.dx


class ShortcutAdded(WrongBackward):
    """delta itself is added to delta W, as if the layer had a connection past it."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return t.dx + t.delta if t.x.shape == t.y.shape else t.dx


class WeightSizes(WrongBackward):
    """delta goes back through |W|."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return t.delta @ np.abs(t.linear.weight)


class DeltaClipped(WrongBackward):
    """What goes back is clipped to +-0.01."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return np.clip(t.dx, -0.01, 0.01)


class DeltaOverInputs(WrongBackward):
    """What goes back is divided by the number of inputs."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.dx / t.x.shape[1])


class DroppedUnits(WrongBackward):
    """Every second unit gets nothing and the others twice as much, as by a dropout that the forward pass has not."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.dx * 2.0 * (np.arange(t.dx.shape[1]) % 2))
