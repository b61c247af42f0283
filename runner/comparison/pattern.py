"""What a wrong gradient looks like where no named mistake explains it. A pattern is seen, it is no cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.comparison.mistakes.base import Alteration, Passage
from runner.comparison.observed import Observed

MOST_SAMPLES = 256
"""Batches up to this size are searched for a single sample that is left out or counts twice."""


def pattern(observed: Observed, unexplained: Sequence[str]) -> str:
    """What is seen, in words: of the first wrong tensor that no cause explains, and of the samples."""
    name = unexplained[0]
    place = observed.point.layout.slices()[name]
    shape = observed.point.layout.shapes[observed.point.layout.names.index(name)]
    u, g, unit = (v[place].reshape(shape) for v in (observed.seen, observed.right, observed.unit))
    samples = list(_samples(observed, observed.point.layout.gradients))
    of_all = [*_of_all(observed), *(f"{words} in all gradients" for words in samples)]
    of_it = [*_of_tensor(u, g, unit), *([] if samples or u.size == 1 else _samples(observed, place))]
    return "; ".join([*of_all, *([f"in {name}, {'; '.join(of_it)}"] if of_it else [])])


def _of_all(observed: Observed) -> Iterator[str]:
    gradients = observed.point.layout.gradients
    u, g, unit = observed.seen[gradients], observed.right[gradients], observed.unit[gradients]
    ratio = _ratio(u, g, unit)
    if ratio is not None and len(observed.suspects) > 1:
        yield f"all gradients are {_told(ratio)} times the right ones"


def _of_tensor(u: Array, g: Array, unit: Array) -> Iterator[str]:
    wrong = np.abs(u - g) > LIMIT * unit
    ratio = _ratio(u, g, unit)
    if not u.any():
        yield "every element is 0"
    elif ratio is not None and (u.size > 1 or isclose(ratio, float(f"{ratio:.3g}"))):
        yield f"every element is {_told(ratio)} times the right one"
    elif u.ndim == 2 and u.shape[0] == u.shape[1] and _alike(u.T, g, unit):
        yield "the right numbers, transposed"
    elif _alike(np.abs(u), np.abs(g), unit):
        yield f"right in size, wrong in sign in {int(wrong.sum())} of {wrong.size} elements"
    elif _alike(np.sort(u, axis=None), np.sort(g, axis=None), unit.ravel()[np.argsort(g, axis=None)]):
        yield "the right numbers in another order"
    yield from _places(wrong)


def _places(wrong: Array) -> Iterator[str]:
    count = int(wrong.sum())
    if count == wrong.size or wrong.ndim == 0:
        return
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    if count == 1:
        index = ", ".join(str(int(k[0])) for k in np.nonzero(wrong))
        yield f"only the element [{index}] is wrong"
    elif wrong.ndim == 2 and len(rows) < len(wrong):
        yield f"only the rows {_listed(rows)} are wrong"
    elif wrong.ndim == 2 and not wrong.any(axis=0).all():
        yield f"only the columns {_listed(np.flatnonzero(wrong.any(axis=0)))} are wrong"
    else:
        yield f"{count} of {wrong.size} elements are wrong"


def _samples(observed: Observed, place: slice) -> Iterator[str]:
    """The single samples that are left out of these gradients, or count twice."""
    point = observed.point
    batch = len(point.x)
    derived = point.sides.problem.network.derived
    if not derived or not 1 < batch <= MOST_SAMPLES or "prediction" in observed.suspects:
        return
    passage = Passage(point.sides.problem, point.layout, np.empty)
    passage.load(point.parameters, point.x, point.y, point.buffers, point.draws)
    u, g, unit = observed.seen[place], observed.right[place], observed.unit[place]
    for k in range(batch):
        without = passage.run(_without(k))[place]
        if _alike(u, without, unit):
            yield f"sample {k} of the batch is left out"
        elif _alike(u, 2 * g - without, 2 * unit):
            yield f"sample {k} of the batch counts twice"


def _without(k: int) -> Alteration:
    def change(_: Passage, loss: Array, delta: Array) -> tuple[Array, Array]:
        kept = delta.copy()
        kept[k] = 0
        return loss, kept

    return Alteration("sample_left_out", "", "", loss=change)


def _ratio(u: Array, g: Array, unit: Array) -> float | None:
    """The constant c in u = c g to within rounding, unless it is 1."""
    top = float(np.abs(g).max(initial=0.0))
    if top == 0:
        return None
    scaled = g / top
    c = float((u / top * scaled).sum() / np.square(scaled).sum())
    return c if abs(c) > 0 and _alike(u, c * g, max(1.0, abs(c)) * unit) and not _alike(u, g, unit) else None


def _told(ratio: float) -> str:
    """The ratio in as many digits as tell it from 1."""
    return next(text for digits in (6, 9, 17) if float(text := f"{ratio:.{digits}g}") != 1 or digits == 17)


def _alike(u: Array, g: Array, unit: Array) -> bool:
    return bool((np.abs(u - g) <= LIMIT * unit).all())


def _listed(indices: Array) -> str:
    shown = ", ".join(str(int(i)) for i in indices[:8])
    return shown if len(indices) <= 8 else f"{shown}, ... ({len(indices)} in all)"
