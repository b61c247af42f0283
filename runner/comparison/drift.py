"""How far the paths of two backends part when each follows its own: distances of parameters, and how they grow.

Parameters are counted by the updates that made them: those after k updates are what step k starts from.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend
from runner.comparison.constants import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF

ALL = "all"
"""All parameters taken as one vector; a parameter's own name has a dot in it."""

FEWEST = 3
"""Two points lie on a line of any model: it takes a third to tell how well one fits."""


@dataclass(frozen=True)
class Distance:
    """A backend's parameters against the reference's, after ``updates`` updates.

    Attributes:
        tensors: The parameters' names, then ``ALL``.
        max_abs: The largest |u - g|, (tensors,).
        norm: The Euclidean norm of u - g, (tensors,).
        relative: That over the norm of g, (tensors,).
        roundings: That over the size of one rounding of g, (tensors,): the unit roundoff of the run's dtype times
            the norm of g, and the smallest subnormal to keep it above 0. It is the most that rounding each element
            of g to its dtype once could move it.
    """

    updates: int
    backend: str
    reference: str
    tensors: tuple[str, ...]
    max_abs: Array
    norm: Array
    relative: Array
    roundings: Array


@dataclass(frozen=True)
class Fit:
    """A model of the distances d after k updates: log d is linear in k (exponential) or in log k (power).

    Attributes:
        rate: The slope: per update in the exponential model, the exponent in the power model.
        residual: The root mean square of what the model leaves of log10 d, in decades.
    """

    rate: float
    residual: float


@dataclass(frozen=True)
class Growth:
    """Both models of one backend's distances."""

    exponential: Fit
    power: Fit

    @property
    def better(self) -> str:
        """The model with the smaller residual; both have two constants."""
        return "exponential" if self.exponential.residual < self.power.residual else "power"

    @property
    def doubling(self) -> float:
        """Updates in which the distance doubles by the exponential model; negative: halves. NaN where it stays."""
        return float(np.log(2)) / self.exponential.rate if self.exponential.rate else float("nan")


@dataclass(frozen=True)
class Parting:
    """What is known of one backend's drift at the end; ``growth`` is None where no rate can be told."""

    last: Distance
    parted: bool
    growth: Growth | None


@dataclass(frozen=True)
class Measured:
    """What has been measured so far: each backend's last distance, and its path, (points, 2): updates and norms."""

    last: dict[str, Distance]
    paths: dict[str, Array]


@dataclass
class Drift:
    """Measures how far ``backends`` lie from the last of them, which is the reference; with none it does nothing."""

    backends: Mapping[str, Backend]
    dtype: str
    _last: dict[str, Distance] = field(init=False, default_factory=dict)
    _paths: dict[str, array[float]] = field(init=False, default_factory=dict)

    def measure(self, updates: int) -> list[Distance]:
        """The distances after ``updates`` updates, one a backend; none where they were measured already."""
        if not self.backends or any(last.updates == updates for last in self._last.values()):
            return []
        *names, reference = self.backends
        there = self.backends[reference].state().parameters
        found = []
        for name in names:
            here = self.backends[name].state().parameters
            found.append(distance(updates, (name, here), (reference, there), self.dtype))
        for d in found:
            self._last[d.backend] = d
            self._paths.setdefault(d.backend, array("d")).extend((updates, float(d.norm[-1])))
        return found

    def measured(self) -> Measured:
        """All that is kept for ``partings``."""
        return Measured(self._last, {name: np.array(path).reshape(-1, 2) for name, path in self._paths.items()})

    def go_on_from(self, measured: Measured) -> None:
        """Takes what ``measured`` gave, as if it had been measured here."""
        self._last = dict(measured.last)
        self._paths = {name: array("d", path.ravel()) for name, path in measured.paths.items()}

    def partings(self) -> dict[str, Parting]:
        """What the distances come to, each backend; nothing where none was measured."""
        found = {}
        for name, path in self._paths.items():
            made, distances = np.array(path).reshape(-1, 2).T
            found[name] = Parting(self._last[name], bool((distances != 0).any()), growth(made, distances))
        return found


def farthest(partings: Mapping[str, Parting]) -> float:
    """The largest distance of any backend's last parameters, in roundings; NaN where one of them is not finite."""
    return float(np.max([parting.last.roundings[-1] for parting in partings.values()]))


def distance(
    updates: int, judged: tuple[str, Mapping[str, Array]], reference: tuple[str, Mapping[str, Array]], dtype: str
) -> Distance:
    """The distance of two backends' parameters, each given as its name and its parameters of any shape."""
    names = tuple(reference[1])
    largest, norms, sizes = np.empty((3, len(names) + 1))
    with np.errstate(all="ignore"):
        for i, name in enumerate(names):
            g = np.asarray(reference[1][name], np.float64)
            d = np.asarray(judged[1][name], np.float64) - g
            largest[i], norms[i], sizes[i] = np.abs(d).max(initial=0.0), _norm(d), _norm(g)
        largest[-1], norms[-1], sizes[-1] = largest[:-1].max(initial=0.0), _norm(norms[:-1]), _norm(sizes[:-1])
        relative = np.where(norms == 0, 0.0, norms / sizes)
        roundings = norms / (UNIT_ROUNDOFF[dtype] * sizes + SMALLEST_SUBNORMAL[dtype])
    return Distance(updates, judged[0], reference[0], (*names, ALL), largest, norms, relative, roundings)


def growth(updates: Array, distances: Array) -> Growth | None:
    """Both models, fitted by least squares on log d to the distances d > 0 after k > 0 updates, both (points,).

    None where these are fewer than three different ones. Infinite distances and NaN do not count.
    """
    use = (updates > 0) & (distances > 0) & np.isfinite(distances)
    k, log_d = updates[use], np.log(distances[use])
    if len(np.unique(log_d)) < FEWEST:
        return None
    return Growth(_fit(k, log_d), _fit(np.log(k), log_d))


def _fit(x: Array, log_d: Array) -> Fit:
    x, y = x - x.mean(), log_d - log_d.mean()
    rate = float(x @ y / (x @ x))
    return Fit(rate, float(np.sqrt(np.square(y - rate * x).mean()) / np.log(10)))


def _norm(values: Array) -> float:
    """The Euclidean norm, scaled by the largest element against over- and underflow."""
    top = float(np.abs(values).max(initial=0.0))
    return top * float(np.linalg.norm(values / top)) if top > 0 and isfinite(top) else top
