"""Wrong numbers made of the library's own, for what is said of those that no named mistake gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.comparison.constants import NOISE, UNIT_ROUNDOFF
from runner.comparison.mistakes.base import Alteration, At
from runner.comparison.observed import Observed
from runner.comparison.point import Point
from runner.comparison.verdict import Judge
from tests.faults.mistaken import first_batch, vector_of


class Seen:
    """The library's numbers at a run's first step, to be spoiled."""

    def __init__(self, setup: Setup) -> None:
        judge = Judge(setup.problem, setup.backends, setup.dtype)
        x, y = first_batch(setup)
        self.setup, parameters = setup, {n: np.array(v, np.float64) for n, v in setup.initial.parameters.items()}
        self.point = Point(judge.sides, judge.layout(len(x)), parameters, x.astype(np.float64), y.astype(np.float64))
        self.right, self.places = self.point.library, self.point.layout.slices()
        unit = self.point.sigma_of_noise(NOISE * UNIT_ROUNDOFF["float64"])
        self.unit = unit + UNIT_ROUNDOFF["float64"] * np.abs(self.right) + np.finfo(np.float64).smallest_subnormal

    def observed(self, seen: Array) -> Observed:
        return Observed(self.point, seen, self.right, self.unit, None)

    def made(self, mistake: Alteration) -> Array:
        return vector_of(self.setup.problem, self.point.parameters, self.point.x, self.point.y, (mistake,))

    def changed(self, name: str, change: Callable[[Array], Array]) -> Array:
        """The right numbers, but for one tensor."""
        seen, shapes = self.right.copy(), dict(zip(self.point.layout.names, self.point.layout.shapes, strict=True))
        seen[self.places[name]] = change(self.right[self.places[name]].reshape(shapes[name])).ravel()
        return seen


def mutant(seen: Seen, rng: np.random.Generator) -> Array:
    """What a mistake gives that is on no list: smooth, at a random place, with random numbers in it."""
    network = seen.setup.problem.network
    name = str(rng.choice(list(network.parameters)))
    inner = [i for i, place in enumerate(network.places) if i > 0]
    i = int(rng.choice(inner))
    a, b = rng.uniform(0.3, 3, 2)

    def wavy(t: At) -> Array:
        return np.asarray(t.dx * (1 + 0.3 * np.sin(a * t.z + b)))

    def mixed(t: At) -> Array:
        return np.asarray(t.dx @ np.linalg.qr(np.random.default_rng(i).normal(size=(t.dx.shape[1],) * 2))[0])

    def saturated(t: At) -> Array:
        return np.asarray(np.tanh(a * t.dx) / a)

    def weighed(_: object, loss: Array, delta: Array) -> tuple[Array, Array]:
        return loss, delta * rng.uniform(0.5, 1.5, (len(delta), 1))

    ways: list[Callable[[], Array]] = [
        lambda: seen.made(Alteration("", "", "", leaving={i: wavy})),
        lambda: seen.made(Alteration("", "", "", leaving={i: mixed})),
        lambda: seen.made(Alteration("", "", "", leaving={i: saturated})),
        lambda: seen.made(Alteration("", "", "", loss=weighed)),
        lambda: seen.changed(name, lambda g: g * rng.uniform(0.5, 1.5, g.shape)),
        lambda: seen.changed(name, lambda g: g + 0.1 * np.abs(g).max() * rng.normal(size=g.shape)),
        lambda: seen.changed(name, lambda g: g * float(rng.uniform(0.1, 3))),
        lambda: seen.changed(name, lambda g: rng.normal(size=(len(g), len(g))) @ g),
        lambda: seen.right * np.where(np.arange(len(seen.right)) < len(seen.point.y) + 1, 1.0, rng.uniform(0.1, 3)),
        lambda: seen.changed(name, lambda g: g + a * seen.point.parameters[name] ** 2),
    ]
    return ways[int(rng.integers(len(ways)))]()
