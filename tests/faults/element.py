"""Small things: one element that is off, a number that passes through a narrower one, a value that is not finite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, BackendChoice, Problem, Step
from runner.backends.scratch import ScratchBackend
from runner.layers.sigmoid import ScratchSigmoid, Sigmoid
from tests.faults.base import Altered, AlteredStep, Given, WrongGradients, with_passes


class _OneElement(AlteredStep):
    size = 0.0

    def after(self, step: Step, x: Array, y: Array) -> Step:
        step.gradients["hidden_layer_1.weight"][3, 4] *= 1 + self.size
        return step


class _Part(_OneElement):
    size = 1e-9


class _SmallerPart(_OneElement):
    size = 1e-12


class _NotANumber(AlteredStep):
    taken = 0

    def after(self, step: Step, x: Array, y: Array) -> Step:
        if self.taken == 3:
            step.gradients["hidden_layer_1.bias"][2] = np.nan
        self.taken += 1
        return step


class _ThroughSingle(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        self.a[...] = super().forward(z).astype(np.float32)
        return self.a


class _GradientsThroughSingle(AlteredStep):
    def after(self, step: Step, x: Array, y: Array) -> Step:
        for gradient in step.gradients.values():
            gradient[...] = gradient.astype(np.float32)
        return step


@dataclass(frozen=True, kw_only=True)
class OneElementOff(BackendChoice):
    """One element of the hidden weight's gradient is off by 1e-9 of itself."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _Part(name, problem, dtype)


@dataclass(frozen=True, kw_only=True)
class OneElementHardlyOff(BackendChoice):
    """The same by 1e-12."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _SmallerPart(name, problem, dtype)


@dataclass(frozen=True, kw_only=True)
class NotANumber(BackendChoice):
    """A NaN in one gradient of the fourth step, its loss being finite; the float64 twins are right."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _NotANumber(name, problem, dtype) if dtype == np.float32 else ScratchBackend(name, problem, dtype)


@dataclass(frozen=True, kw_only=True)
class SigmoidInSingle(Altered):
    """The sigmoid's values pass through float32, whatever the dtype."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Sigmoid, _ThroughSingle)


@dataclass(frozen=True, kw_only=True)
class GradientsInSingle(BackendChoice):
    """The gradients pass through float32, whatever the dtype."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _GradientsThroughSingle(name, problem, dtype)


class RowHardlyOff(WrongGradients):
    """One row of the hidden weight's gradient is off by 1e-6 of itself."""

    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        gradient = np.array(gradients["hidden_layer_1.weight"])
        gradient[3] *= 1 + 1e-6
        return {"hidden_layer_1.weight": gradient}


class ElementShifted(WrongGradients):
    """1e-12 is added to one element of the hidden weight's gradient, whatever its size."""

    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        gradient = np.array(gradients["hidden_layer_1.weight"])
        gradient[3, 4] += 1e-12
        return {"hidden_layer_1.weight": gradient}


class LastColumnForgotten(WrongGradients):
    """A loop that ends one too early: the last column of the hidden weight's gradient stays 0."""

    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        gradient = np.array(gradients["hidden_layer_1.weight"])
        gradient[:, -1] = 0
        return {"hidden_layer_1.weight": gradient}


class FirstElementOfBias(WrongGradients):
    """One element of a bias's gradient is broadcast to all."""

    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        return {"hidden_layer_1.bias": gradients["hidden_layer_1.bias"][0]}
