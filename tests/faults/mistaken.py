"""The library itself with named mistakes made on purpose, as a backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.base import Backend, BackendChoice, Problem, State, Step
from runner.backends.torch import EAGER
from runner.comparison.explanation import Explanation
from runner.comparison.mistakes.base import Alteration, Passage
from runner.comparison.mistakes.every import every
from runner.comparison.mistakes.forward import forward
from runner.comparison.mistakes.whole import fitted
from runner.comparison.tensors import layout_of
from runner.experiment import run_experiment
from runner.outcome import Silent

Gradients = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Mistaken(BackendChoice):
    """What the library gives with the mistakes ``made``, of which at most one changes the forward pass."""

    made: tuple[Alteration, ...]

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _Mistaken(name, problem, dtype, self.made)


class _Mistaken:
    def __init__(self, name: str, problem: Problem, dtype: np.dtype[Any], made: tuple[Alteration, ...]) -> None:
        self.name, self._problem, self._dtype, self._made = name, problem, dtype, made
        self._parameters = {n: np.empty(p.shape, dtype) for n, p in problem.network.parameters.items()}

    def load(self, state: State) -> None:
        for name, mine in self._parameters.items():
            mine[...] = state.parameters[name]

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        layout = layout_of(self._problem.network, len(x))
        vector = vector_of(self._problem, self._parameters, x, y, self._made).astype(self._dtype)
        parts = [vector[place].reshape(s) for place, s in zip(layout.slices().values(), layout.shapes, strict=True)]
        return Step(parts[0], parts[1], dict(zip(layout.names[2:], parts[2:], strict=True)))

    def update(self) -> None:
        """Takes no step of its own: in lockstep the reference's state is loaded."""

    def state(self) -> State:
        return State(self._parameters)


def vector_of(problem: Problem, parameters: Gradients, x: Array, y: Array, made: tuple[Alteration, ...]) -> Array:
    """Loss, prediction and gradients of the library with mistakes, in float64."""
    changed = next((m for m in made if m.changes_forward), None)
    wrong = changed.problem if changed is not None and changed.problem is not None else problem
    passage = Passage(wrong, layout_of(problem.network, len(x)), np.empty)
    given = {name: np.array(value, np.float64) for name, value in parameters.items()}
    passage.load(changed.parameters(given) if changed is not None and changed.parameters is not None else given, x, y)
    with np.errstate(all="ignore"):
        return passage.run(*made)


def first_batch(setup: Setup) -> tuple[Array, Array]:
    return setup.x[: setup.batch_size], setup.y[: setup.batch_size]


def loaded(setup: Setup) -> Passage:
    """The library at a run's first step."""
    x, y = first_batch(setup)
    passage = Passage(setup.problem, layout_of(setup.problem.network, len(x)), np.empty)
    passage.load(setup.initial.parameters, x, y)
    return passage


def alterations(setup: Setup) -> Iterator[Alteration]:
    """All that can be made at a run's first step; those with a number in them with one of ours."""
    passage = loaded(setup)
    right = named(passage, passage.run())
    yield from every(passage)
    for seen in _fitting(right, passage.parameters):
        yield from fitted(passage, right, seen)
    yield from forward(passage)


def named(passage: Passage, vector: Array) -> dict[str, Array]:
    """The gradients in a vector of tensors."""
    layout = passage.layout
    shapes = dict(zip(layout.names, layout.shapes, strict=True))
    return {n: vector[place].reshape(shapes[n]) for n, place in layout.slices().items() if n in passage.parameters}


def _fitting(right: Gradients, parameters: Gradients) -> Iterator[dict[str, Array]]:
    """Gradients from which a decay, and clipping in its three forms, can be read off."""
    norm = np.sqrt(sum(float(np.square(g).sum()) for g in right.values()))
    top = max(float(np.abs(g).max()) for g in right.values())
    first = next(iter(right))
    yield {n: g + 0.01 * parameters[n] for n, g in right.items()}
    yield {n: g * (0.125 / norm) for n, g in right.items()}
    yield {**right, first: right[first] * (0.0625 / np.sqrt(np.square(right[first]).sum()))}
    limit = 2.0 ** np.floor(np.log2(top / 4))
    yield {n: np.clip(g, -limit, limit) for n, g in right.items()}


def explained(setup: Setup, *made: Alteration) -> Explanation:
    """What is said of the mistakes ``made``, after a whole run against torch."""
    wrong = replace(setup, backends={"mistaken": Mistaken(made=made), "torch": EAGER})
    outcome = run_experiment(wrong, Silent())
    assert outcome.verdict.verdict == "mismatch", (outcome.verdict.first, [m.sentence for m in made])
    return outcome.verdict.explanations["mistaken"]


def changed_tensors(setup: Setup, *made: Alteration) -> tuple[str, ...]:
    """The tensors that mistakes change by more than rounding, in the order of computation; none if not finite."""
    x, y = first_batch(setup)
    right = vector_of(setup.problem, setup.initial.parameters, x, y, ())
    wrong = vector_of(setup.problem, setup.initial.parameters, x, y, made)
    layout = layout_of(setup.problem.network, len(x))
    places = layout.slices()
    if not np.isfinite(wrong).all():
        return ()
    return tuple(
        n for n in layout.order if np.abs(wrong - right)[places[n]].max() > 1e-9 * np.abs(right[places[n]]).max()
    )
