"""Random mistakes in a random small network and its updates, drawn evenly over their families."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.base import Backend, BackendChoice, Problem, State, Step
from runner.backends.scratch import ScratchBackend
from runner.comparison.mistakes.base import Alteration, At, Gradients, Passage
from runner.comparison.tensors import layout_of

Updated = Callable[[State, State], None]
"""(state before, state after) -> the state after an update is changed in place."""


@dataclass(frozen=True)
class Mistake:
    """In the backward pass, in the update, or in the state that a step starts from."""

    backward: Alteration | None = None
    update: Updated | None = None
    forgets: bool = False


@dataclass(frozen=True, kw_only=True)
class Mistaken(BackendChoice):
    """The library with a mistake made on the way."""

    mistake: Mistake

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _MistakenBackend(name, problem, dtype, self.mistake)


class _MistakenBackend(ScratchBackend):
    def __init__(self, name: str, problem: Problem, dtype: np.dtype[Any], mistake: Mistake) -> None:
        super().__init__(name, problem, dtype)
        self._mistake, self._made = mistake, problem
        self._work: Callable[..., Array] = lambda shape, _: np.empty(shape, dtype)

    def load(self, state: State) -> None:
        super().load(State(state.parameters, state.buffers) if self._mistake.forgets else state)

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        if self._mistake.backward is None:
            return super().step(x, y, draws=draws, training=training)
        layout = layout_of(self._made.network, len(x))
        passage = Passage(self._made, layout, self._work)
        before = _copied(self.state())
        step = super().step(x, y, draws=draws, training=training)
        passage.load(before.parameters, x, y, before.buffers, draws)
        vector = passage.run(self._mistake.backward)
        for name, place in layout.slices().items():
            if name in step.gradients:
                step.gradients[name][...] = vector[place].reshape(step.gradients[name].shape)
        loss, prediction = vector[layout.slices()["loss"]], vector[layout.slices()["prediction"]]
        return Step(loss[0].astype(step.loss.dtype), prediction.reshape(step.prediction.shape), step.gradients)

    def update(self) -> None:
        before = _copied(self.state())
        super().update()
        if self._mistake.update is not None:
            after = _copied(self.state())
            self._mistake.update(before, after)
            super().load(after)


def _copied(state: State) -> State:
    parts = (state.parameters, state.buffers, state.optimizer)
    return State(*({name: np.array(value) for name, value in part.items()} for part in parts))


def _element(g: Array, rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(rng.integers(n)) for n in g.shape)


def _scaled(g: Array, index: Any, factor: float) -> Array:
    out = g.copy()
    out[index] *= factor
    return out


Make = Callable[[Setup, int, float], Mistake]
"""(setup, seed, eps) -> a mistake of a family."""


def _of_tensor(change: Callable[[Array, np.random.Generator, float], Array]) -> Make:
    """One tensor's gradient is changed; which one and where is drawn from the seed."""

    def made(setup: Setup, seed: int, eps: float) -> Mistake:
        names = list(setup.problem.network.parameters)
        name = names[int(np.random.default_rng(seed).integers(len(names)))]

        def end(_: Passage, gradients: Gradients) -> Gradients:
            return gradients | {name: change(gradients[name], np.random.default_rng((seed, 1)), eps)}

        return Mistake(Alteration("mutant", name, "", end=end))

    return made


def _of_delta(change: Callable[[At, np.random.Generator, float], Array]) -> Make:
    """What one layer hands on is changed."""

    def made(setup: Setup, seed: int, eps: float) -> Mistake:
        count = len(setup.problem.network.places)
        i = int(np.random.default_rng(seed).integers(1, count)) if count > 1 else 0
        leaving = {i: lambda t: change(t, np.random.default_rng((seed, 1)), eps)}
        return Mistake(Alteration("mutant", str(i), "", leaving=leaving))

    return made


def _rows_swapped(g: Array, rng: np.random.Generator, eps: float) -> Array:
    out = g.copy()
    i, j = rng.integers(len(g), size=2)
    out[[i, j]] = out[[j, i]]
    return out


def _sample(weight: float) -> Make:
    def made(setup: Setup, seed: int, eps: float) -> Mistake:
        k = int(np.random.default_rng(seed).integers(setup.batch_size))

        def change(_: Passage, loss: Array, delta: Array) -> tuple[Array, Array]:
            return loss, _scaled(delta, k, weight)

        return Mistake(Alteration("mutant", f"sample {k}", "", loss=change))

    return made


def _loss_delta(setup: Setup, seed: int, eps: float) -> Mistake:
    return Mistake(Alteration("mutant", "loss", "", loss=lambda _, loss, delta: (loss, delta * (1 + eps))))


def _of_update(change: Callable[[Array, Array, np.random.Generator, float], Array], part: str) -> Make:
    """Of one tensor of a part of the state; where there is none, of the parameters."""

    def made(setup: Setup, seed: int, eps: float) -> Mistake:
        def update(before: State, after: State) -> None:
            held = [getattr(state, part) or state.parameters for state in (before, after)]
            old, new = held if held[0].keys() <= held[1].keys() else (before.parameters, after.parameters)
            names = [name for name, value in new.items() if np.asarray(value).dtype.kind not in "iu"]
            name = names[int(np.random.default_rng(seed).integers(len(names)))]
            was = old.get(name, np.zeros_like(new[name]))
            new[name][...] = change(was, new[name], np.random.default_rng((seed, 1)), eps)

        return Mistake(update=update)

    return made


def _forgets(setup: Setup, seed: int, eps: float) -> Mistake:
    return Mistake(forgets=True)


def _put(old: Array, new: Array, rng: np.random.Generator) -> Array:
    out, index = new.copy(), _element(new, rng)
    out[index] = old[index]
    return out


FAMILIES: dict[str, Make] = {
    "tensor scaled": _of_tensor(lambda g, rng, eps: g * (1 + eps)),
    "tensor half as large again": _of_tensor(lambda g, rng, eps: g * 1.5),
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
    "delta moved on by one": _of_delta(lambda t, rng, eps: np.roll(t.dx, 1, axis=-1)),
    "delta of one position": _of_delta(
        lambda t, rng, eps: _scaled(t.dx, (slice(None), int(rng.integers(t.dx.shape[1]))), 1 + eps)
    ),
    "delta without its mean": _of_delta(lambda t, rng, eps: t.dx - t.dx.mean(axis=-1, keepdims=True)),
    "loss gradient scaled": _loss_delta,
    "sample dropped": _sample(0.0),
    "sample twice": _sample(2.0),
    "update scaled": _of_update(lambda old, new, rng, eps: old + (new - old) * (1 + eps), "parameters"),
    "update of one element forgotten": _of_update(lambda old, new, rng, eps: _put(old, new, rng), "parameters"),
    "optimizer's state scaled": _of_update(lambda old, new, rng, eps: new * (1 + eps), "optimizer"),
    "optimizer's state not kept": _forgets,
    "running average scaled": _of_update(lambda old, new, rng, eps: new * (1 + eps), "buffers"),
}
"""Every mistake is the same function of the parameters at every point: a formula, however odd."""


def family_of(seed: int) -> str:
    """Evenly over all."""
    return list(FAMILIES)[seed % len(FAMILIES)]


def mutant(setup: Setup, family: str, seed: int) -> Mistake:
    """The mistake of a family and a seed; its size eps, where it has one, is log-uniform from 1e-12 to 1."""
    eps = exp(np.random.default_rng((seed, 2)).uniform(log(1e-12), 0.0))
    return FAMILIES[family](setup, seed, eps)
