"""A point of parameters and inputs, and what the two sides and the library give there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array, in_dtype, is_whole
from runner.backends.base import KEEPS_SOMETHING, Backend, FormError, State
from runner.comparison.constants import NOISE, NOISY_RUNS, SHIFT, UNIT_ROUNDOFF
from runner.comparison.rounding import (
    moved_inputs,
    moved_parameters,
    noise,
    norm,
    own_errors,
    rms,
    two_precisions,
)
from runner.comparison.sides import HIGH, SINGLE, Sides
from runner.comparison.tensors import Layout, state_layout_of


@dataclass(frozen=True)
class Point:
    """A point, all in float64, and what the sides give there, each a vector (layout.size,) computed once.

    Parameters under their names, x (batch, *sample), y (batch, *out). ``dtype`` is what the sides are judged in:
    float64, or narrower where one of them computes in nothing wider; all values are then numbers of that dtype.
    With ``updates``, what the sides carry after an update is computed too; with ``after`` that is what they give here.
    """

    sides: Sides
    layout: Layout
    parameters: Mapping[str, Array]
    x: Array
    y: Array
    dtype: str = HIGH.name
    buffers: Mapping[str, Array] = field(default_factory=dict)
    draws: Mapping[str, Array] = field(default_factory=dict)
    optimizer: Mapping[str, Array] = field(default_factory=dict)
    updates: bool = False
    after: bool = False
    training: bool = True
    _known: dict[str, Array] = field(default_factory=dict)
    _updated: dict[str, Array | FormError] = field(default_factory=dict)

    def high(self, name: str) -> Array:
        """A side's tensors in float64."""
        if name not in self._known:
            backend = self.sides.high[name]
            self._known[name] = self._evaluate(backend)
            if self.updates:  # while the side holds the gradients
                self._updated[name] = self._updated_or_fault(backend)
        return self._known[name]

    def updated(self) -> Point:
        """The same point, the sides' tensors being what they carry after an update.

        Raises:
            FormError: A side carries something else than the reference.
        """
        known = {}
        for name, found in self._updated.items():
            if isinstance(found, FormError):
                raise found
            known[name] = found
        return replace(
            self, layout=self.sides.states or self.layout, updates=False, after=True, _known=known, _updated={}
        )

    def _updated_or_fault(self, backend: Backend) -> Array | FormError:
        try:
            return self._update(backend)
        except FormError as fault:
            return fault

    def check_repeats(self, name: str) -> None:
        """A side must give the same bits for the same arguments; if not, noisy runs show what it keeps, not rounding.

        Raises:
            FormError: It does not.
        """
        first, second = self.high(name), self._evaluate(self.sides.high[name])
        different = (first != second) & ~(np.isnan(first) & np.isnan(second))
        for tensor in self.layout.order:
            if different[self.layout.slices()[tensor]].any():
                raise FormError(name, KEEPS_SOMETHING, tensor)

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

    @cached_property
    def exact(self) -> Array | None:
        """The library's tensors as more digits give them, in float64; None where there are no more digits."""
        if self.sides.exact is None or self.dtype != HIGH.name:
            return None
        try:
            return self._evaluate(self.sides.exact)
        except TypeError:  # of a user's layer, whose functions know no such numbers
            return None

    def moved(
        self, k: int, *, inputs: bool = False, zeros: bool = False, keep_zeros: bool = False, shift: float = SHIFT
    ) -> Point:
        """The k-th point nearby; the inputs are moved too if ``inputs``, those that are 0 if ``zeros``, targets never.

        With ``-shift`` it is the point opposite.
        """
        counts = is_whole(self.x)  # a token has no neighbour
        x = moved_inputs(self.x, k, shift, zeros) if (inputs or zeros) and not counts else self.x
        parameters = moved_parameters(self.parameters, k, keep_zeros, shift, self._sizes_of_zeros())
        return replace(self, x=x).at(parameters)

    def at(self, parameters: Mapping[str, Array]) -> Point:
        """The same with other parameters."""
        there = replace(self, parameters=parameters, dtype=HIGH.name, updates=False, _known={}, _updated={})
        return there.on_grid(self.dtype)

    def _sizes_of_zeros(self) -> dict[str, float]:
        """How large a tensor of zeros counts as: its move is to change the loss no more than that of any other.

        A move that is small beside 1 can be large beside what the layer computes.
        """
        zero = [name for name, value in self.parameters.items() if not value.any()]
        if not zero or self.after:
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
            return in_dtype(in_dtype(value, DTYPES[dtype]), HIGH)

        parameters, buffers = (
            {name: rounded(value) for name, value in held.items()} for held in (self.parameters, self.buffers)
        )
        x, y = rounded(self.x), rounded(self.y)
        return replace(
            self, parameters=parameters, x=x, y=y, buffers=buffers, dtype=dtype, updates=False, _known={}, _updated={}
        )

    def sigma_of_two_precisions(self, known: Mapping[str, Array]) -> Array | None:
        """The first look's sigma in float32's unit: the reference's and the library's, added in squares.

        ``known`` holds tensors in float32 that the run has computed already, by name. None where the look is void.
        """
        return two_precisions(self.layout, self._measured(known, SINGLE.name))

    def sigma_of_own_errors(self, known: Mapping[str, Array], dtype: str) -> Array | None:
        """The same in ``dtype`` and in its unit, however large it is: it says nothing about another dtype.

        A side that is not finite in ``dtype`` does not count. None where none is.
        """
        return own_errors(self.layout, self._measured(known, dtype))

    def _measured(self, known: Mapping[str, Array], dtype: str) -> list[tuple[Array, Array]]:
        """The reference's tensors in ``dtype`` and in float64, and the library's."""
        found = []
        for name in {self.sides.reference: None, self.sides.library: None}:
            low = known[name] if name in known else self._evaluate(self.sides.low(dtype)[name])
            found.append((low, self.high(name)))
        return found

    def sigma_of_noise(self, error: float, apart: bool = False) -> Array:
        """The second look's sigma: the root mean square change of the library's tensors under noisy arithmetic.

        With ``apart`` equal values err apart.
        """
        runs = range(1, NOISY_RUNS + 1)
        change = np.array([self.noisy(error, run, apart=apart) - self.library for run in runs])
        return rms(np.nan_to_num(change, nan=np.inf, posinf=np.inf, neginf=-np.inf))

    def may_be_finite(self, where: Array) -> bool:
        """Whether rounding decides if elements are finite: in noisy runs each of those at ``where`` is and is not."""
        runs = range(1, NOISY_RUNS + 1)
        finite = np.array([np.isfinite(self.noisy(NOISE * UNIT_ROUNDOFF[HIGH.name], run))[where] for run in runs])
        return bool((finite.any(axis=0) & ~finite.all(axis=0)).all())

    def at_ties(self) -> list[Array]:
        """The library's tensors with all ties taken up, and with all taken down, if it can be asked."""
        if self.sides.noise_over == "torch":
            return []
        found = []
        for ties in (1, -1):
            with noise(0.0, 0, ties=ties):
                found.append(self._evaluate(self.sides.noisy))
        return found

    def noisy(self, error: float, run: int, near_zero: bool = False, apart: bool = False) -> Array:
        """The library's tensors in one run of noisy arithmetic."""
        with self.sides.noise(error, run, near_zero, apart):
            return self._evaluate(self.sides.noisy)

    def _evaluate(self, backend: Backend) -> Array:
        with np.errstate(all="ignore"):
            backend.load(State(self.parameters, self.buffers, self.optimizer))
            step = backend.step(self.x, self.y, draws=self.draws, training=self.training)
            return self._update(backend) if self.after else self.layout.flat(backend.name, step)

    def _update(self, backend: Backend) -> Array:
        with np.errstate(all="ignore"):
            backend.update()
            state = backend.state()
        if self.sides.states is None:
            self.sides.states = state_layout_of(state)
        return self.sides.states.flat_state(backend.name, state)
