"""What the first look at many replicas finds, replica by replica and tensor by tensor."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.comparison.deviation import Deviation
from runner.comparison.results import Comparison, Worst
from runner.comparison.tensors import Layout


class Detail(IntEnum):
    """How much is to be found out of who is acquitted, each more than the one before it.

    The largest of each measure that a verdict needs; where it is, and all measures of ``Comparison``; and the roundings
    of every element.
    """

    VERDICT, WORST, ELEMENTS = range(3)


@dataclass(frozen=True)
class Looked:
    """What the first look finds of one backend, for each replica; NaN where nobody asked for it.

    Attributes:
        agrees: Whether it acquits the replica, (replicas,); nothing else counts of a replica that it does not.
        deviation: From the reference in the run's dtype, (replicas, tensors) each.
        precision: The worst elements in the run's dtype, (replicas, tensors) each.
        logic_deviation, logic: The same in float64.
        error, reference_error: Each side's largest distance from its own float64 twin, (replicas, tensors).
        elements: The roundings of every element, of the logic and of the precision, (replicas, size) each; None where
            nobody asked for them.
    """

    agrees: Array
    deviation: Deviation
    precision: Worst
    logic_deviation: Deviation
    logic: Worst
    error: Array
    reference_error: Array
    elements: tuple[Array, Array] | None = None

    def only(self, known: Array) -> Looked:
        """The same, and nobody acquitted but those that are ``known``, (replicas,)."""
        return replace(self, agrees=self.agrees & known)

    def put(self, rows: Array | slice, other: Looked) -> None:
        """Takes what was found of these rows from ``other``; neither of them has elements."""
        for mine, theirs in zip(_arrays(self), _arrays(other), strict=True):
            mine[rows] = theirs

    def comparison(self, k: int, names: tuple[str, str], layout: Layout, judged: bool) -> Comparison:
        """What ``Judge`` would tell of replica ``k``, which a look in detail acquits.

        ``names`` are those of the backend and the reference.
        """
        deviation, precision = _row(self.deviation, k), _row(self.precision, k)
        if not judged:
            return Comparison(*names, layout, None, deviation, precision)
        return Comparison(
            *names,
            layout,
            "agree",
            deviation,
            precision,
            precision_look=1,
            logic=_row(self.logic, k),
            logic_look=1,
            logic_deviation=_row(self.logic_deviation, k),
            error=self.error[k],
            reference_error=self.reference_error[k],
            elements=None if self.elements is None else (self.elements[0][k], self.elements[1][k]),
        )


@dataclass(frozen=True)
class Pair:
    """One backend and the reference: what the run gave, and what the twins give in float64, (replicas, size) each."""

    run: Array
    run_reference: Array
    high: Array
    reference: Array

    def rows(self, rows: Array | slice) -> Pair:
        """Those of some replicas."""
        return Pair(self.run[rows], self.run_reference[rows], self.high[rows], self.reference[rows])


def nothing_found(replicas: int, layout: Layout) -> Looked:
    """Nobody acquitted, and nothing known."""
    shape = (replicas, len(layout.names))

    def unknown() -> Array:
        return np.full(shape, np.nan)

    def worst() -> Worst:
        return Worst(np.zeros(shape, np.intp), *(unknown() for _ in range(4)))

    def apart() -> Deviation:
        return Deviation(unknown(), unknown(), unknown())

    return Looked(np.zeros(replicas, bool), apart(), worst(), apart(), worst(), unknown(), unknown())


def largest_of(layout: Layout, roundings: Array) -> Worst:
    """The most ``roundings`` (replicas, size) of each tensor, and not where they are."""
    most = by_tensor(layout, roundings)
    unknown = np.full(most.shape, np.nan)
    return Worst(np.zeros(most.shape, np.intp), unknown, unknown, most, unknown)


def worst_of(layout: Layout, by: Array, u: Array, g: Array, unit: Array | None = None) -> Worst:
    """The elements where ``by`` is largest, of each tensor; all are (replicas, size).

    With the ``unit``, ``by`` are roundings; without, they are deviations, and neither is known.
    """
    places = layout.slices().values()
    index = np.stack([by[:, place].argmax(axis=1) for place in places], axis=1)
    at = index + layout.starts
    rows = np.arange(len(by))[:, None]
    if unit is None:
        unknown = np.full(at.shape, np.nan)
        return Worst(index, u[rows, at], g[rows, at], unknown, unknown)
    return Worst(index, u[rows, at], g[rows, at], by[rows, at], unit[rows, at])


def by_tensor(layout: Layout, values: Array) -> Array:
    """The largest of each tensor's part of ``values`` (replicas, size), (replicas, tensors)."""
    return np.maximum.reduceat(values, layout.starts, axis=1)


def _arrays(found: object) -> list[Array]:
    """All arrays of a dataclass, and of those that lie in it."""
    if is_dataclass(found):
        return [array for field in fields(found) for array in _arrays(getattr(found, field.name))]
    return [found] if isinstance(found, np.ndarray) else []


def _row(found: Any, k: int) -> Any:
    """Replica k's part of a dataclass of arrays."""
    return type(found)(*(getattr(found, field.name)[k] for field in fields(found)))
