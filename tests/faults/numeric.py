"""Derivatives that are nearly right: by differences of the loss, by a constant that was typed in, by rounded values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, BackendChoice, Problem, Step
from runner.layers.linear import Linear
from runner.layers.sigmoid import Sigmoid
from runner.layers.tanh import Tanh
from tests.faults.base import AlteredStep, Given, Site, WrongBackward, WrongGradients

Shifted = Callable[[float], float]


class _Differences(AlteredStep):
    mistake: ByDifferences

    def after(self, step: Step, x: Array, y: Array) -> Step:
        loss, prediction = np.array(step.loss), np.array(step.prediction)
        found = {name: self._of(parameter, x, y) for name, parameter in self._parameters.items()}
        for name, gradient in found.items():
            step.gradients[name][...] = gradient
        return replace(step, loss=loss, prediction=prediction)

    def _of(self, parameter: Array, x: Array, y: Array) -> Array:
        slopes = np.empty_like(parameter)
        for index in np.ndindex(parameter.shape):
            value = parameter[index]

            def shifted(h: float, index: tuple[int, ...] = index, value: Any = value) -> float:
                parameter[index] = value + h
                return float(self._plans[len(x), True].step(x, y, {}).loss)

            slopes[index] = self.mistake.slope(shifted)
            parameter[index] = value
        return slopes


@dataclass(frozen=True, kw_only=True)
class ByDifferences(BackendChoice):
    """Every gradient by differences of the loss."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        backend = _Differences(name, problem, dtype)
        backend.mistake = self
        return backend

    @abstractmethod
    def slope(self, loss: Shifted) -> float:
        """The derivative by one element; ``loss`` gives the loss where that element is moved by h."""


class ForwardDifferences(ByDifferences):
    """(L(p + h) - L(p)) / h with h = 1e-4."""

    def slope(self, loss: Shifted) -> float:
        return (loss(1e-4) - loss(0.0)) / 1e-4


class CentralDifferences(ByDifferences):
    """(L(p + h) - L(p - h)) / 2 h with h = 1e-5."""

    def slope(self, loss: Shifted) -> float:
        return (loss(1e-5) - loss(-1e-5)) / 2e-5


class CoarseCentralDifferences(ByDifferences):
    """The same with h = 0.01."""

    def slope(self, loss: Shifted) -> float:
        return (loss(0.01) - loss(-0.01)) / 0.02


class ConstantSlope(WrongBackward):
    """0.24 stands where a (1 - a) belongs."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(0.24 * t.delta)


class SlopeWithEpsilon(WrongBackward):
    """1e-7 is added to a (1 - a), so that it is never 0."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (t.y * (1 - t.y) + 1e-7))


class SaturationClipped(WrongBackward):
    """a is kept between 0.4 and 0.6 in a (1 - a)."""

    kind = Sigmoid

    def spoil(self, t: Site) -> Array:
        a = np.clip(t.y, 0.4, 0.6)
        return np.asarray(t.delta * a * (1 - a))


class RoundedTanh(WrongBackward):
    """1 - a^2 with an a that was written down to 3 decimals."""

    kind = Tanh

    def spoil(self, t: Site) -> Array:
        a = np.round(t.y, 3)
        return np.asarray(t.delta * (1 - a * a))


class TruncatedTanh(WrongBackward):
    """1 - z^2 + 2 z^4 / 3, the first terms of the series of 1 - tanh(z)^2."""

    kind = Tanh

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (1 - t.x**2 + 2 * t.x**4 / 3))


class RoundedGradients(WrongGradients):
    """The gradients were written down to 5 decimals."""

    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        return {n: np.round(g, 5) for n, g in gradients.items()}


class WeightsOfTwoDecimals(WrongBackward):
    """delta goes back through weights that were written down to 2 decimals."""

    kind = Linear

    def spoil(self, t: Site) -> Array:
        return t.delta @ np.round(t.linear.weight, 2)
