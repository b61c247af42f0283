"""The two sides of a comparison, and the library, as functions of a point: each gives one vector of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np

from runner.arrays import DTYPES
from runner.backends.base import Backend, BackendChoice, Problem
from runner.backends.scratch import Scratch
from runner.comparison.rounding import (
    empty_noisy,
    noise,
)
from runner.comparison.tensors import StateLayout

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
        self.states: StateLayout | None = None
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

    @cached_property
    def exact(self) -> Backend | None:
        """The library with more digits than float64 has; None where NumPy has none, or the library is not ours."""
        if np.finfo(np.longdouble).nmant <= np.finfo(HIGH).nmant or not self.problem.network.derived:
            return None
        return self.twin(self.library, np.dtype(np.longdouble))

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

    def noise(self, error: float, run: int, near_zero: bool, apart: bool) -> AbstractContextManager[object]:
        """Sets the noise for a ``with`` block."""
        if self._over_noisy_arrays is not None:
            return noise(error, run, near_zero, apart=apart)
        from runner.comparison.torch_noise import TorchNoise

        return TorchNoise(error, run, near_zero, apart=apart)

    @cached_property
    def _over_noisy_arrays(self) -> Backend | None:
        choice = self.choices.get(self.library, Scratch())
        return choice.make_over("noisy arithmetic", self.problem, empty_noisy)

    def twin(self, name: str, dtype: np.dtype[Any]) -> Backend:
        """A new twin of one of them."""
        return self.choices.get(name, Scratch()).make(name, self.problem, dtype)

    def _make(self, dtype: np.dtype[Any], names: tuple[str, ...]) -> dict[str, Backend]:
        return {name: self.twin(name, dtype) for name in names}
