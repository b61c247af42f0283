"""How far two recorded runs are apart: losses and gradients, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from runner.arrays import Array
from runner.comparison.constants import LIMIT, SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from runner.records.console import plain_table
from runner.records.reading import RecordedRun
from runner.records.words import number, small

if TYPE_CHECKING:
    from rich.table import Table

LOSS = "loss"
AT_ONCE = 1 << 20
"""Elements that are read at once."""


@dataclass(frozen=True)
class Difference:
    """One tensor of one backend, in the steps that both runs recorded.

    Attributes:
        max_abs: The largest |a - b|; infinite where one alone is finite, NaN where shapes differ or one run lacks it.
        roundings: The largest |a - b| in the roundings that ``measure`` names; NaN likewise.
        step: The first step that is not bitwise the same.
        beyond: The first step that is more than LIMIT roundings apart.
        lacks: Why nothing could be compared.
    """

    backend: str
    tensor: str
    max_abs: float = 0.0
    roundings: float = 0.0
    step: int | None = None
    beyond: int | None = None
    lacks: str = ""

    @property
    def same(self) -> bool:
        """Bitwise."""
        return self.step is None and not self.lacks

    @property
    def counts(self) -> bool:
        """It is more than rounding."""
        return self.beyond is not None or bool(self.lacks)


@dataclass(frozen=True)
class Scale:
    """What one rounding of an element is, over the steps that two runs share.

    The coarser of two dtypes alone: a run of the finer one has nothing to say of how far the other may be off. Of one
    dtype the larger of both, so that the two can change places; each errs by its own, and noise is in both.

    Attributes:
        sigmas: Those of the first run and of the second, (steps,).
        dtypes: Likewise.
    """

    sigmas: tuple[Array, Array]
    dtypes: tuple[str, str]

    def part(self, steps: slice | Array) -> Scale:
        """That of some of the steps."""
        return replace(self, sigmas=(self.sigmas[0][steps], self.sigmas[1][steps]))

    def rounding(self, a: Array, b: Array) -> Array:
        """One rounding of every element, of values (steps, elements) of both runs."""
        units = [
            sigma[:, None] + UNIT_ROUNDOFF[dtype] * np.abs(values)
            for sigma, dtype, values in zip(self.sigmas, self.dtypes, (a, b), strict=True)
        ]
        at = coarser(self.dtypes)
        unit: Array = np.maximum(*units) if at is None else units[at]
        # float16 underflows where bfloat16, which is coarser elsewhere, does not
        return unit + max(SMALLEST_SUBNORMAL[dtype] for dtype in self.dtypes)


def coarser(dtypes: tuple[str, str]) -> int | None:
    """Which of two runs has the coarser dtype; None where both have the same."""
    one, other = (UNIT_ROUNDOFF[dtype] for dtype in dtypes)
    return None if one == other else int(other > one)


def measure(one: RecordedRun, other: RecordedRun) -> str:
    """Whose roundings the differences of two runs are told in."""
    dtypes = _dtypes(one, other)
    at = coarser(dtypes)
    if at is None:
        return f"One rounding is the larger of the two runs' own, both in {dtypes[0]}."
    return f"One rounding is the {('first', 'second')[at]} run's own, in {dtypes[at]}, the coarser of the two."


def _dtypes(one: RecordedRun, other: RecordedRun) -> tuple[str, str]:
    return str(one.config["dtype"]), str(other.config["dtype"])


def differences(one: RecordedRun, other: RecordedRun) -> list[Difference]:
    """Of the backends that both runs have, in the order of the first: the loss, then every gradient."""
    steps, mine, theirs = np.intersect1d(one.steps, other.steps, return_indices=True)
    dtypes, found = _dtypes(one, other), []
    for backend in (name for name in one.backends if name in other.backends):
        pairs = _tensors(one, backend), _tensors(other, backend)
        for tensor in dict.fromkeys([*pairs[0], *pairs[1]]):
            a, b = (arrays.get(tensor) for arrays in pairs)
            if a is None or b is None:
                found.append(Difference(backend, tensor, nan, nan, lacks=f"only the {_which(b)} run has it"))
            elif a.shape[1:] != b.shape[1:]:
                words = f"of shape {a.shape[1:]} and {b.shape[1:]}"
                found.append(Difference(backend, tensor, nan, nan, lacks=words))
            else:
                sigmas = _sigma(one, backend, tensor)[mine], _sigma(other, backend, tensor)[theirs]
                scale = Scale(sigmas, dtypes)
                found.append(_difference(Difference(backend, tensor), steps, (a, mine), (b, theirs), scale))
    return found


def _which(missing_in_other: Array | None) -> str:
    return "first" if missing_in_other is None else "second"


def _tensors(run: RecordedRun, backend: str) -> dict[str, Array]:
    """``loss`` and each gradient, (recorded steps, *shape)."""
    below = f"{backend}/"
    gradients = run.gradients or {}
    return {LOSS: run.losses[backend]} | {
        name.removeprefix(below): array for name, array in gradients.items() if name.startswith(below)
    }


def _sigma(run: RecordedRun, backend: str, tensor: str) -> Array:
    """The size of one rounding at every recorded step; where a step was not judged, that of the nearest before it.

    The reference is judged together with each of the others: of these the largest.
    """
    table = run.rows(["step", "backend", "reference", "sigma"], tensor)
    mine = (table["backend"] == backend) | (table["reference"] == backend)
    by_step = table[mine].groupby("step")["sigma"].max().reindex(run.steps)
    filled: Array = by_step.ffill().bfill().fillna(0.0).to_numpy(dtype=np.float64)
    return filled


def _difference(
    found: Difference, steps: Array, one: tuple[Array, Array], other: tuple[Array, Array], scale: Scale
) -> Difference:
    """``one`` and ``other``: an array (recorded steps, *shape) and the places of the shared steps in it."""
    max_abs, roundings, at, beyond = 0.0, 0.0, None, None
    for part in _parts(len(steps), one[0]):
        a, b = one[0][one[1][part]], other[0][other[1][part]]
        changed = different_rows(a, b)
        if not changed.any():
            continue
        apart, units = _apart(_rows(a)[changed], _rows(b)[changed], scale.part(part).part(changed))
        places = steps[part][changed]
        max_abs, roundings = max(max_abs, apart.max()), max(roundings, units.max())
        at = int(places[0]) if at is None else at
        wrong = places[units > LIMIT]
        beyond = int(wrong[0]) if beyond is None and wrong.size else beyond
    return Difference(found.backend, found.tensor, float(max_abs), float(roundings), at, beyond)


def _parts(count: int, array: Array) -> Iterator[slice]:
    """The steps in parts that are not large."""
    each = max(1, AT_ONCE // max(1, int(np.prod(array.shape[1:]))))
    yield from (slice(start, start + each) for start in range(0, count, each))


def different_rows(a: Array, b: Array) -> Array:
    """Which rows of two arrays of one shape are not the same bit by bit, (rows,)."""
    if a.dtype != b.dtype:
        return np.ones(len(a), bool)
    bits = [np.ascontiguousarray(v).reshape(len(v), -1).view(np.uint8) for v in (a, b)]
    return np.asarray((bits[0] != bits[1]).any(axis=1))


def _rows(values: Array) -> Array:
    return values.reshape(len(values), -1).astype(np.float64)


def _apart(a: Array, b: Array, scale: Scale) -> tuple[Array, Array]:
    """The largest distance of every row, absolutely and in roundings, (rows,)."""
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
        units = apart / scale.rounding(a, b)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    unlike = ~alike & ~(np.isfinite(a) & np.isfinite(b))
    for values in (apart, units):
        values[alike], values[unlike] = 0.0, np.inf
    return apart.max(axis=1, initial=0.0), units.max(axis=1, initial=0.0)


def difference_table(found: Sequence[Difference]) -> Table:
    """A row a tensor."""
    table = plain_table(["backend", "tensor", ""], "backend", "tensor", "max |difference|", "roundings", "step", "")
    for d in found:
        step = "-" if d.step is None else str(d.step)
        words = Text("the same") if d.same else Text(_words(d), "bold red" if d.counts else "")
        figure = "-" if isnan(d.max_abs) else small(d.max_abs)
        table.add_row(Text(d.backend), Text(d.tensor), figure, number(d.roundings), step, words)
    return table


def _words(d: Difference) -> str:
    if d.lacks:
        return d.lacks
    return "rounding" if d.beyond is None else f"beyond {LIMIT:g} roundings from step {d.beyond}"


def last_parameters(one: Mapping[str, Array], other: Mapping[str, Array]) -> list[str]:
    """The names of those that are not bitwise the same in both, as their files have them."""
    names = [name for name in dict.fromkeys([*one, *other]) if name.startswith("last/")]
    return [name for name in names if name not in one or name not in other or not _same(one[name], other[name])]


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and not different_rows(a[None], b[None]).any()
