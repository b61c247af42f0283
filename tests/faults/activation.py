"""Mistakes in the derivative of an activation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem
from runner.layers.relu import ReLU, ScratchReLU
from runner.layers.sigmoid import ScratchSigmoid, Sigmoid
from runner.layers.tanh import ScratchTanh, Tanh
from tests.faults.base import Altered, with_passes


class _NoSlope(ScratchSigmoid):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta
        return self.dz


class _SlopeAtA(ScratchSigmoid):
    def backward(self, delta: Array) -> Array:
        again = 1 / (1 + np.exp(-self.a))
        self.dz[...] = delta * again * (1 - again)
        return self.dz


class _SlopeOneMinusA(ScratchSigmoid):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta * (1 - self.a)
        return self.dz


class _TanhWithoutSquare(ScratchTanh):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta * (1 - self.a)
        return self.dz


class _TanhAsSigmoid(ScratchTanh):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta * self.a * (1 - self.a)
        return self.dz


class _Unmasked(ScratchReLU):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta
        return self.dz


class _MaskedByDelta(ScratchReLU):
    def backward(self, delta: Array) -> Array:
        self.dz[...] = delta * (delta > 0)
        return self.dz


@dataclass(frozen=True, kw_only=True)
class MissingSlope(Altered):
    """delta goes through the sigmoid without f'(z)."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _NoSlope)


@dataclass(frozen=True, kw_only=True)
class SlopeAtActivation(Altered):
    """f'(a) in place of f'(z)."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _SlopeAtA)


@dataclass(frozen=True, kw_only=True)
class HalfTheSlope(Altered):
    """1 - a in place of a (1 - a), in the last activation alone."""

    def alter(self, problem: Problem) -> Problem:
        last = [place.name for place in problem.network.places if isinstance(place.layer, Sigmoid)][-1]
        return with_passes(problem, Sigmoid, _SlopeOneMinusA, last)


@dataclass(frozen=True, kw_only=True)
class TanhWithoutSquare(Altered):
    """1 - a in place of 1 - a^2."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Tanh, _TanhWithoutSquare)


@dataclass(frozen=True, kw_only=True)
class TanhAsSigmoid(Altered):
    """The sigmoid's a (1 - a) for tanh."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Tanh, _TanhAsSigmoid)


@dataclass(frozen=True, kw_only=True)
class ReLUUnmasked(Altered):
    """delta goes through units that are off."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, ReLU, _Unmasked)


@dataclass(frozen=True, kw_only=True)
class ReLUMaskedByDelta(Altered):
    """delta goes through where it is positive itself, whatever z is."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, ReLU, _MaskedByDelta)
