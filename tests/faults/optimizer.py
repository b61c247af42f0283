"""Mistakes that belong to an optimizer, or to what is carried from step to step.

A step is known by its targets: they are never moved where a gradient is judged at points nearby.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, BackendChoice, Problem, State, Step
from runner.layers.linear import Linear, ScratchLinear
from tests.faults.base import Altered, AlteredStep, Given, WrongGradients, with_passes


class _Remembering(AlteredStep):
    """Keeps the right gradients of this step, and the sum that was kept before it."""

    mistake: Remembers
    targets: Array | None = None

    def after(self, step: Step, x: Array, y: Array) -> Step:
        now = {name: np.array(gradient) for name, gradient in step.gradients.items()}
        if self.targets is None:
            self.kept = self.next = {name: 0 * gradient for name, gradient in now.items()}
            self.steps = 0
        if self.targets is None or not np.array_equal(self.targets, y):
            self.targets, self.kept = np.array(y), self.next
            self.next = {name: self.mistake.decay * self.kept[name] + gradient for name, gradient in now.items()}
            self.steps += 1
        for name, gradient in step.gradients.items():
            gradient[...] = self.mistake.given(now[name], self.kept[name], self.steps)
        return step


@dataclass(frozen=True, kw_only=True)
class Remembers(BackendChoice):
    """What is returned depends on the gradients of the steps before, ``decay`` times those of each step back."""

    decay: ClassVar[float] = 1.0

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        backend = _Remembering(name, problem, dtype)
        backend.mistake = self
        return backend

    @abstractmethod
    def given(self, now: Array, kept: Array, step: int) -> Array:
        """What is returned at ``step``, from 1; ``kept`` is 0 at the first."""


class _WeightsOfBefore(ScratchLinear):
    """delta goes through a copy of the weights that was made at the first step and is never made again."""

    copy: Array | None = None

    def backward(self, delta: Array) -> Array:
        if self.copy is None:
            self.copy = np.array(self.weight)
        back = super().backward(delta)
        return back if self.dx is None else np.matmul(delta, self.copy, out=self.dx)


@dataclass(frozen=True, kw_only=True)
class StaleWeights(Altered):
    """delta goes through the weights of the first step for ever; right at the first step."""

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, _WeightsOfBefore)


class Accumulated(Remembers):
    """The gradients are not set to 0 before a step; right at the first."""

    def given(self, now: Array, kept: Array, step: int) -> Array:
        return now + kept


class OfLastStep(Remembers):
    """The gradients of the step before are returned; right at the first."""

    decay = 0.0

    def given(self, now: Array, kept: Array, step: int) -> Array:
        return now if step == 1 else kept


class MomentumInGradient(Remembers):
    """The gradients are SGD's velocity, with a momentum of 0.9; right at the first step."""

    decay = 0.9

    def given(self, now: Array, kept: Array, step: int) -> Array:
        return now + 0.9 * kept


class FirstMoment(Remembers):
    """The gradients are Adam's first moment, 0.1 g at the first step."""

    decay = 0.9

    def given(self, now: Array, kept: Array, step: int) -> Array:
        return np.asarray(0.1 * (now + 0.9 * kept))


class FirstMomentCorrected(Remembers):
    """The same divided by 1 - 0.9^t; right at the first step."""

    decay = 0.9

    def given(self, now: Array, kept: Array, step: int) -> Array:
        return np.asarray(0.1 * (now + 0.9 * kept) / (1 - 0.9**step))


class AdamUpdate(WrongGradients):
    """Adam's first update g / (|g| + 1e-8) is returned."""

    def changed(self, gradients: Mapping[str, Array], given: Given) -> Mapping[str, Array]:
        return {n: g / (np.abs(g) + 1e-8) for n, g in gradients.items()}


class _AfterUpdate(AlteredStep):
    def after(self, step: Step, x: Array, y: Array) -> Step:
        here, lr = {n: np.array(p) for n, p in self._parameters.items()}, self._problem.lr
        loss, prediction = np.array(step.loss), np.array(step.prediction)
        self.load(State({n: p - lr * step.gradients[n] for n, p in here.items()}))
        there = self._plans[len(x), True].step(x, y, {})
        self.load(State(here))
        return replace(there, loss=loss, prediction=prediction)


@dataclass(frozen=True, kw_only=True)
class AfterUpdate(BackendChoice):
    """The gradients are those at the parameters after the update."""

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _AfterUpdate(name, problem, dtype)
