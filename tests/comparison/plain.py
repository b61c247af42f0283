"""Plain NumPy functions, judged without network, layers or loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from runner.arrays import DTYPES, Array
from runner.comparison.constants import NOISY_RUNS, SHIFT
from runner.comparison.looks import Judged, judge_logic
from runner.comparison.noisy import NoisyArray
from runner.comparison.point import Point
from runner.comparison.rounding import empty_noisy, moved_inputs, moved_parameters, noise, rms, two_precisions
from runner.comparison.tensors import Layout

Parameters = Mapping[str, Array]
Function = Callable[[Parameters, Array, Array], Mapping[str, Any]]
"""(p, x, y) -> every tensor that is judged, by name, in the dtype and class of what it is given."""


@dataclass(frozen=True)
class FunctionPoint:
    """What ``Point`` is to two backends, for two functions: the library is the reference too."""

    user: Function
    library_function: Function
    parameters: Parameters
    x: Array
    y: Array
    dtype: str = "float64"
    _known: dict[str, Array] = field(default_factory=dict)

    def high(self, name: str) -> Array:
        if name not in self._known:
            function = self.user if name == "user" else self.library_function
            self._known[name] = self._flat(self._result(function, lambda value: value.copy()))
        return self._known[name]

    @property
    def layout(self) -> Layout:
        """Every tensor counts as a gradient; loss and prediction are empty."""
        found = self._result(self.library_function, lambda value: value.copy())
        names, shapes = ("(loss)", "(prediction)", *found), ((0,), (0,), *(np.shape(value) for value in found.values()))
        sizes = [int(np.prod(shape)) for shape in shapes]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        return Layout(names, shapes, names, starts, sum(sizes))

    @property
    def reference(self) -> Array:
        return self.high("library")

    @property
    def library(self) -> Array:
        return self.high("library")

    @property
    def exact(self) -> Array:
        return self._flat(self._result(self.library_function, lambda value: value.astype(np.longdouble)))

    def moved(
        self, k: int, *, inputs: bool = False, zeros: bool = False, keep_zeros: bool = False, shift: float = SHIFT
    ) -> FunctionPoint:
        parameters = moved_parameters(self.parameters, k, keep_zeros, shift)
        x = moved_inputs(self.x, k, shift, zeros) if (inputs or zeros) and self.x.size else self.x
        return FunctionPoint(self.user, self.library_function, parameters, x, self.y)

    def sigma_of_two_precisions(self, known: Mapping[str, Array]) -> Array | None:
        low = self._flat(self._result(self.library_function, lambda value: value.astype(DTYPES["float32"])))
        return two_precisions(self.layout, [(low, self.library)])

    def sigma_of_noise(self, error: float, apart: bool = False) -> Array:
        runs = range(1, NOISY_RUNS + 1)
        change = np.array([self.noisy(error, run, apart=apart) - self.library for run in runs])
        return rms(np.nan_to_num(change, nan=np.inf, posinf=np.inf, neginf=-np.inf))

    def at_ties(self) -> list[Array]:
        return [self.noisy(0.0, 0, ties=ties) for ties in (1, -1)]

    def noisy(self, error: float, run: int, near_zero: bool = False, ties: int = 0, apart: bool = False) -> Array:
        def over_noise(value: Array) -> Array:
            made = empty_noisy(value.shape, value.dtype)
            made[...] = value
            return made

        with noise(error, run, near_zero, ties, apart=apart):
            return self._flat(self._result(self.library_function, over_noise))

    def _result(self, function: Function, made: Callable[[Array], Array]) -> Mapping[str, Any]:
        with np.errstate(all="ignore"):
            parameters = {name: made(value) for name, value in self.parameters.items()}
            return function(parameters, made(self.x), made(self.y))

    def _flat(self, found: Mapping[str, Any]) -> Array:
        return np.concatenate([np.array(value, np.float64).ravel() for value in found.values()])


def judge(user: Function, library: Function, parameters: Parameters, x: Array, y: Array) -> Judged:
    """The verdict on ``user``'s logic."""
    point = cast(Point, FunctionPoint(user, library, parameters, x, y))
    assert np.isfinite(point.high("user")).all()
    assert np.isfinite(point.reference).all()
    with np.errstate(all="ignore"):
        return judge_logic("user", point, point.sigma_of_two_precisions({}))


def like(x: Array, shape: tuple[int, ...]) -> Array:
    """An uninitialised array of x's dtype and class."""
    return empty_noisy(shape, x.dtype) if isinstance(x, NoisyArray) else np.empty(shape, x.dtype)


def told(judged: Judged) -> str:
    """A verdict in words, for the message of an assertion."""
    return f"{judged.verdict} at look {judged.look}, {judged.roundings.max(initial=0):.3g} roundings; {judged.finding}"


def largest(user: Function, library: Function, name: str, parameters: Parameters, x: Array, y: Array) -> int:
    """Which element of a tensor is the largest of those that are alike on both sides, or of all where none is.

    Alike also with more digits than float64 has: in float64 two sums that cancel may err alike.
    """

    def longer(value: Array) -> Array:
        return value.astype(np.longdouble) if np.issubdtype(value.dtype, np.floating) else value

    u, g = (np.array(f(parameters, x, y)[name]).ravel() for f in (user, library))
    exact = library({key: longer(value) for key, value in parameters.items()}, longer(x), longer(y))[name]
    alike = np.maximum(np.abs(u - g), np.abs(g - np.array(exact, np.float64).ravel())) <= 1e-6 * np.abs(g)
    return int(np.argmax(np.where(alike, np.abs(g), 0) if (alike & (g != 0)).any() else np.abs(g)))
