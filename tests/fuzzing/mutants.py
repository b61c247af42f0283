"""Random mistakes in a random small network, drawn evenly over their families."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.backends.base import Backend, BackendChoice, Problem, State, Step
from runner.comparison.mistakes.base import Alteration, At, Gradients, Passage
from runner.comparison.tensors import layout_of


@dataclass(frozen=True, kw_only=True)
class Mistaken(BackendChoice):
    """The library with a mistake made on the way."""

    alteration: Alteration

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _MistakenBackend(name, problem, dtype, self.alteration)


class _MistakenBackend:
    def __init__(self, name: str, problem: Problem, dtype: np.dtype[Any], alteration: Alteration) -> None:
        self.name, self._problem, self._alteration = name, problem, alteration
        self._empty: Callable[..., Array] = lambda shape, _: np.empty(shape, dtype)
        self._dtype = dtype

    def load(self, state: State) -> None:
        self._state = State({name: np.array(value) for name, value in state.parameters.items()})

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        layout = layout_of(self._problem.network, len(x))
        passage = Passage(self._problem, layout, self._empty)
        passage.load(self._state.parameters, x, y)
        vector = passage.run(self._alteration)
        shaped = {
            name: vector[place].reshape(shape).astype(self._dtype)
            for (name, place), shape in zip(layout.slices().items(), layout.shapes, strict=True)
        }
        return Step(shaped.pop("loss"), shaped.pop("prediction"), shaped)

    def update(self) -> None:
        """One step is judged: nothing comes after it."""

    def state(self) -> State:
        return self._state


def _element(g: Array, rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(rng.integers(n)) for n in g.shape)


def _scaled(g: Array, index: Any, factor: float) -> Array:
    out = g.copy()
    out[index] *= factor
    return out


def _of_tensor(
    change: Callable[[Array, np.random.Generator, float], Array],
) -> Callable[[Passage, int, float], Alteration]:
    """One tensor's gradient is changed; which one and where is drawn from the seed."""

    def made(passage: Passage, seed: int, eps: float) -> Alteration:
        names = list(passage.parameters)
        name = names[int(np.random.default_rng(seed).integers(len(names)))]

        def end(_: Passage, gradients: Gradients) -> Gradients:
            return gradients | {name: change(gradients[name], np.random.default_rng((seed, 1)), eps)}

        return Alteration("mutant", name, "", end=end)

    return made


def _of_delta(change: Callable[[At, np.random.Generator, float], Array]) -> Callable[[Passage, int, float], Alteration]:
    """What one layer hands on is changed."""

    def made(passage: Passage, seed: int, eps: float) -> Alteration:
        count = len(passage.problem.network.places)
        i = int(np.random.default_rng(seed).integers(1, count)) if count > 1 else 0
        return Alteration("mutant", str(i), "", leaving={i: lambda t: change(t, np.random.default_rng((seed, 1)), eps)})

    return made


def _rows_swapped(g: Array, rng: np.random.Generator, eps: float) -> Array:
    out = g.copy()
    i, j = rng.integers(len(g), size=2)
    out[[i, j]] = out[[j, i]]
    return out


def _sample(weight: float) -> Callable[[Passage, int, float], Alteration]:
    def made(passage: Passage, seed: int, eps: float) -> Alteration:
        k = int(np.random.default_rng(seed).integers(passage.batch))

        def change(_: Passage, loss: Array, delta: Array) -> tuple[Array, Array]:
            return loss, _scaled(delta, k, weight)

        return Alteration("mutant", f"sample {k}", "", loss=change)

    return made


def _loss_delta(passage: Passage, seed: int, eps: float) -> Alteration:
    return Alteration("mutant", "loss", "", loss=lambda _, loss, delta: (loss, delta * (1 + eps)))


FAMILIES: dict[str, Callable[[Passage, int, float], Alteration]] = {
    "tensor scaled": _of_tensor(lambda g, rng, eps: g * (1 + eps)),
    "element scaled": _of_tensor(lambda g, rng, eps: _scaled(g, _element(g, rng), 1 + eps)),
    "row scaled": _of_tensor(lambda g, rng, eps: _scaled(g, int(rng.integers(len(g))), 1 + eps)),
    "column scaled": _of_tensor(lambda g, rng, eps: _scaled(g.T, int(rng.integers(g.shape[-1])), 1 + eps).T),
    "element's sign": _of_tensor(lambda g, rng, eps: _scaled(g, _element(g, rng), -1)),
    "element forgotten": _of_tensor(lambda g, rng, eps: _scaled(g, _element(g, rng), 0)),
    "row forgotten": _of_tensor(lambda g, rng, eps: _scaled(g, int(rng.integers(len(g))), 0)),
    "rows swapped": _of_tensor(_rows_swapped),
    "constant added": _of_tensor(lambda g, rng, eps: g + eps * np.abs(g).max()),
    "elements perturbed": _of_tensor(lambda g, rng, eps: g * (1 + eps * rng.uniform(-1, 1, g.shape))),
    "delta scaled": _of_delta(lambda t, rng, eps: t.dx * (1 + eps)),
    "delta perturbed by unit": _of_delta(lambda t, rng, eps: t.dx * (1 + eps * rng.uniform(-1, 1, t.dx.shape[1:]))),
    "delta of one sample": _of_delta(lambda t, rng, eps: _scaled(t.dx, int(rng.integers(len(t.dx))), 1 + eps)),
    "delta bent": _of_delta(lambda t, rng, eps: t.dx * (1 + eps * np.sin(t.z + rng.uniform(0, 6)))),
    "loss gradient scaled": _loss_delta,
    "sample dropped": _sample(0.0),
    "sample twice": _sample(2.0),
}
"""Every mistake is the same function of the parameters at every point: a formula, however odd."""


def mutant(passage: Passage, family: str, seed: int) -> Alteration:
    """The mistake of a family and a seed; its size eps, where it has one, is log-uniform from 1e-12 to 1."""
    eps = exp(np.random.default_rng((seed, 2)).uniform(log(1e-12), 0.0))
    return FAMILIES[family](passage, seed, eps)
