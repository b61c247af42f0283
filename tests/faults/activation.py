"""Mistakes in the derivative of an activation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.base import Buffers
from runner.layers.relu import ReLU
from runner.layers.sigmoid import ScratchSigmoid, Sigmoid
from runner.layers.tanh import Tanh
from tests.faults.base import Altered, Site, WrongBackward, with_passes


class _SlopeOneMinusA(ScratchSigmoid):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta * (1 - self.a)
        return self.dz


class _SlopeOfTheOther(ScratchSigmoid):
    """Takes the slope from the list of activations at an index that is off by one, where the widths are equal."""

    def __init__(self, buffers: Buffers, all_of_them: list[_SlopeOfTheOther]) -> None:
        super().__init__(buffers)
        self.index, self.all_of_them = len(all_of_them), all_of_them
        all_of_them.append(self)

    def backward(self, delta: Array) -> Array:
        before = self.all_of_them[self.index - 1]
        a = before.a if before.a.shape == self.a.shape else self.a
        self.dz[...] = delta * a * (1 - a)
        return self.dz


class MissingSlope(WrongBackward):
    """delta goes through the sigmoid without f'(z)."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return t.delta


class SlopeAtActivation(WrongBackward):
    """f'(a) in place of f'(z)."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        again = 1 / (1 + np.exp(-t.y))
        return np.asarray(t.delta * again * (1 - again))


@dataclass(frozen=True, kw_only=True)
class HalfTheSlope(Altered):
    """1 - a in place of a (1 - a), in the last activation alone."""

    def alter(self, problem: Problem) -> Problem:
        last = [place.name for place in problem.network.places if isinstance(place.layer, Sigmoid)][-1]
        return with_passes(problem, Sigmoid, _SlopeOneMinusA, last)


class SlopeTwice(WrongBackward):
    """The factor f'(z) is there twice."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.dx * t.y * (1 - t.y))


class SigmoidAsTanh(WrongBackward):
    """1 - a^2, tanh's, for the sigmoid."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (1 - t.y * t.y))


class SigmoidWithPlus(WrongBackward):
    """a (1 + a) in place of a (1 - a)."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.y * (1 + t.y))


class SigmoidAsSwish(WrongBackward):
    """The derivative of z sigmoid(z) in place of sigmoid's."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (t.y + t.x * t.y * (1 - t.y)))


class ActivationForSlope(WrongBackward):
    """The activation itself stands where its derivative belongs."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.y)


class InputForSlope(WrongBackward):
    """z stands where f'(z) belongs."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.x)


class SlopeOfAnotherLayer(Altered):
    """The slope is taken from the activation of the layer before: an index that is off by one."""

    def alter(self, problem: Problem) -> Problem:
        found: list[_SlopeOfTheOther] = []
        return with_passes(problem, Sigmoid, lambda buffers: _SlopeOfTheOther(buffers, found))


class TanhWithoutSquare(WrongBackward):
    """1 - a in place of 1 - a^2."""

    kind = Tanh

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (1 - t.y))


class TanhAsSigmoid(WrongBackward):
    """The sigmoid's a (1 - a) for tanh."""

    kind = Tanh

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.y * (1 - t.y))


class TanhAtInput(WrongBackward):
    """1 - z^2 in place of 1 - a^2."""

    kind = Tanh

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (1 - t.x * t.x))


class TanhWithPlus(WrongBackward):
    """1 + a^2 in place of 1 - a^2."""

    kind = Tanh

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (1 + t.y * t.y))


class ReLUUnmasked(WrongBackward):
    """delta goes through units that are off."""

    kind = ReLU

    def spoil(self, t: Site) -> Array:
        return t.delta


class ReLUMaskedByDelta(WrongBackward):
    """delta goes through where it is positive itself, whatever z is."""

    kind = ReLU

    def spoil(self, t: Site) -> Array:
        return np.maximum(t.delta, 0)


class ReLUInverted(WrongBackward):
    """delta goes through where z is not positive."""

    kind = ReLU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (t.x <= 0))


class ReLUAsLeaky(WrongBackward):
    """A slope of 0.01 where z is not positive, on the way back alone."""

    kind = ReLU

    def spoil(self, t: Site) -> Array:
        return np.where(t.x > 0, t.delta, 0.01 * t.delta)


class ReLUAsAbsolute(WrongBackward):
    """The derivative of |z| in place of that of max(z, 0)."""

    kind = ReLU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * np.sign(t.x))


class ReLUTimesActivation(WrongBackward):
    """delta is multiplied by the activation in place of by where it is on."""

    kind = ReLU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.y)
