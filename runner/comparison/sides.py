"""The two sides of a comparison, and the library, as functions of a point: each gives one vector of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array
from runner.backends.base import Backend, BackendChoice, Problem, State
from runner.backends.scratch import Scratch
from runner.comparison.constants import NOISY_RUNS, SHIFT
from runner.comparison.rounding import (
    empty_noisy,
    in_squares,
    moved_inputs,
    moved_parameters,
    noise,
    norm,
    own_error,
    rms,
    two_precisions,
)
from runner.comparison.tensors import Layout

SINGLE, HIGH = DTYPES["float32"], DTYPES["float64"]


class Sides:
    """The reference, the library (our own layers) and the backends to judge, as twins made once a run.

    What is judged never counts in its own favour: sigma is taken from the reference and the library only. If our
    layers are among the backends, as they are, then that backend is the library. Where the project has no layers for
    the network, the reference stands in for the library.
    """

    def __init__(self, problem: Problem, choices: Mapping[str, BackendChoice], reference: str) -> None:
        self.problem, self.choices, self.reference = problem, choices, reference
        ours = next((name for name, choice in choices.items() if type(choice) is Scratch), "the library")
        self.library = ours if problem.network.derived else reference
        self._low: dict[str, dict[str, Backend]] = {}

    @cached_property
    def high(self) -> dict[str, Backend]:
        """Float64 twins of all, under their names."""
        return self._make(HIGH, (*self.choices, self.library))

    def low(self, dtype: str) -> dict[str, Backend]:
        """Twins of reference and library in ``dtype``."""
        if dtype not in self._low:
            self._low[dtype] = self._make(DTYPES[dtype], (self.reference, self.library))
        return self._low[dtype]

    @property
    def noise_over(self) -> str:
        """What the noise is laid over: our ``layers``, or the reference's own operations: ``torch`` or ``numpy``."""
        if self.problem.network.derived:
            return "layers"
        return "torch" if self._over_noisy_arrays is None else "numpy"

    @cached_property
    def noisy(self) -> Backend:
        """The library under noise: over noisy arrays if its arithmetic is NumPy's, else itself, for ``noise``."""
        return self._over_noisy_arrays or self.high[self.library]

    def noise(self, error: float, run: int, near_zero: bool) -> AbstractContextManager[object]:
        """Sets the noise for a ``with`` block."""
        if self._over_noisy_arrays is not None:
            return noise(error, run, near_zero)
        from runner.comparison.torch_noise import TorchNoise

        return TorchNoise(error, run, near_zero)

    @cached_property
    def _over_noisy_arrays(self) -> Backend | None:
        choice = self.choices.get(self.library, Scratch())
        return choice.make_over("noisy arithmetic", self.problem, empty_noisy)

    def twin(self, name: str, dtype: np.dtype[Any]) -> Backend:
        """A new twin of one of them."""
        return self.choices.get(name, Scratch()).make(name, self.problem, dtype)

    def _make(self, dtype: np.dtype[Any], names: tuple[str, ...]) -> dict[str, Backend]:
        return {name: self.twin(name, dtype) for name in names}


@dataclass(frozen=True)
class Point:
    """A point, all in float64, and what the sides give there, each a vector (layout.size,) computed once.

    Parameters under their names, x (batch, features), y (batch, out). ``dtype`` is what the sides are judged in:
    float64, or narrower where one of them computes in nothing wider; all values are then numbers of that dtype.
    """

    sides: Sides
    layout: Layout
    parameters: Mapping[str, Array]
    x: Array
    y: Array
    dtype: str = HIGH.name
    _known: dict[str, Array] = field(default_factory=dict)

    def high(self, name: str) -> Array:
        """A side's tensors in float64."""
        if name not in self._known:
            self._known[name] = self._evaluate(self.sides.high[name])
        return self._known[name]

    def again(self, name: str, dtype: np.dtype[Any]) -> Array:
        """A side's tensors in a run's ``dtype``, from a twin made for it."""
        return self._evaluate(self.sides.twin(name, dtype))

    @property
    def reference(self) -> Array:
        """The reference's tensors in float64."""
        return self.high(self.sides.reference)

    @property
    def library(self) -> Array:
        """The library's tensors in float64."""
        return self.high(self.sides.library)

    def moved(
        self, k: int, *, inputs: bool = False, zeros: bool = False, keep_zeros: bool = False, shift: float = SHIFT
    ) -> Point:
        """The k-th point nearby; the inputs are moved too if ``inputs``, those that are 0 if ``zeros``, targets never.

        With ``-shift`` it is the point opposite.
        """
        x = moved_inputs(self.x, k, shift, zeros) if inputs or zeros else self.x
        parameters = moved_parameters(self.parameters, k, keep_zeros, shift, self._sizes_of_zeros())
        return Point(self.sides, self.layout, parameters, x, self.y).on_grid(self.dtype)

    def _sizes_of_zeros(self) -> dict[str, float]:
        """How large a tensor of zeros counts as: its move is to change the loss no more than that of any other.

        A move that is small beside 1 can be large beside what the layer computes.
        """
        zero = [name for name, value in self.parameters.items() if not value.any()]
        if not zero:
            return {}
        g = self.reference
        places = self.layout.slices()
        norms = {name: norm(g[places[name]]) for name in self.parameters}
        effects = [
            norm(value.ravel()) / value.size**0.5 * norms[name]
            for name, value in self.parameters.items()
            if value.any() and norms[name] > 0
        ]
        if not effects:
            return {}
        sizes = {name: min(1.0, min(effects) / norms[name]) for name in zero if norms[name] > 0}
        least = min(sizes.values(), default=1.0)
        return {name: sizes.get(name, least) for name in zero}

    def on_grid(self, dtype: str) -> Point:
        """The point whose values are the nearest numbers of ``dtype``, to be judged in it."""
        if dtype == HIGH.name:
            return self

        def rounded(value: Array) -> Array:
            return value.astype(DTYPES[dtype]).astype(HIGH)

        parameters = {name: rounded(value) for name, value in self.parameters.items()}
        return Point(self.sides, self.layout, parameters, rounded(self.x), rounded(self.y), dtype)

    def sigma_of_two_precisions(self, known: Mapping[str, Array]) -> Array | None:
        """The first look's sigma in float32's unit: the reference's and the library's, added in squares.

        ``known`` holds tensors in float32 that the run has computed already, by name. None where the look is void.
        """
        found = self._measured(two_precisions, known, SINGLE.name)
        sigmas = [sigma for sigma in found if sigma is not None]
        return reduce(in_squares, sigmas) if len(sigmas) == len(found) else None

    def sigma_of_own_errors(self, known: Mapping[str, Array], dtype: str) -> Array | None:
        """The same in ``dtype`` and in its unit, however large it is: it says nothing about another dtype.

        A side that is not finite in ``dtype`` does not count. None where none is.
        """
        sigmas = [sigma for sigma in self._measured(own_error, known, dtype) if sigma is not None]
        return reduce(in_squares, sigmas) if sigmas else None

    def _measured(
        self, measure: Callable[[Layout, Array, Array], Array | None], known: Mapping[str, Array], dtype: str
    ) -> list[Array | None]:
        """What ``measure`` makes of the reference's tensors in ``dtype`` and in float64, and of the library's."""
        found = []
        for name in {self.sides.reference: None, self.sides.library: None}:
            low = known[name] if name in known else self._evaluate(self.sides.low(dtype)[name])
            found.append(measure(self.layout, low, self.high(name)))
        return found

    def sigma_of_noise(self, error: float) -> Array:
        """The second look's sigma: the root mean square change of the library's tensors under noisy arithmetic."""
        change = np.array([self.noisy(error, run) - self.library for run in range(1, NOISY_RUNS + 1)])
        return rms(np.nan_to_num(change, nan=np.inf, posinf=np.inf, neginf=-np.inf))

    def at_ties(self) -> list[Array]:
        """The library's tensors with all ties taken up, and with all taken down, if it can be asked."""
        if self.sides.noise_over == "torch":
            return []
        found = []
        for ties in (1, -1):
            with noise(0.0, 0, ties=ties):
                found.append(self._evaluate(self.sides.noisy))
        return found

    def noisy(self, error: float, run: int, near_zero: bool = False) -> Array:
        """The library's tensors in one run of noisy arithmetic."""
        with self.sides.noise(error, run, near_zero):
            return self._evaluate(self.sides.noisy)

    def _evaluate(self, backend: Backend) -> Array:
        with np.errstate(all="ignore"):
            backend.load(State(self.parameters))
            return self.layout.flat(backend.name, backend.step(self.x, self.y, draws={}))
