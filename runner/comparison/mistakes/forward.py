"""Mistakes in the forward pass, followed by the backward pass that belongs to what was computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from runner.backends.base import Problem
from runner.comparison.mistakes.base import (
    Alteration,
    AtEnd,
    Gradients,
    Passage,
    groups,
    is_activation,
    is_linear,
    label,
)
from runner.layers.base import Layer
from runner.layers.relu import ReLU
from runner.layers.sigmoid import Sigmoid
from runner.layers.tanh import Tanh
from runner.network import Network, Place

RIGHT = "y = x W^T + b, then a = f(y), layer by layer as it is configured"
Change = Callable[[Gradients], Gradients]
ACTIVATIONS: tuple[type[Layer], ...] = (Sigmoid, Tanh, ReLU)


def forward(passage: Passage) -> Iterator[Alteration]:
    """Layers left out, added, exchanged; parameters left out or turned."""
    yield from _activations(passage)
    yield from _parameters(passage)


def _with(problem: Problem, places: list[Place]) -> Problem:
    return replace(problem, network=Network(tuple(places)))


def _activations(passage: Passage) -> Iterator[Alteration]:
    problem, places = passage.problem, list(passage.problem.network.places)
    sites = [i for i, p in enumerate(places) if i > 0 and is_activation(p)]
    for group in groups(sites):
        words = label(passage, group)
        left = [p for i, p in enumerate(places) if i not in group]
        yield Alteration("activation_missing", f"{words} is left out", RIGHT, problem=_with(problem, left))
        twice = [p for i, place in enumerate(places) for p in [place] * (1 + (i in group))]
        yield Alteration("activation_twice", f"{words} is applied twice", RIGHT, problem=_with(problem, twice))
        for kind in ACTIVATIONS:
            other = [_of_kind(p, kind) if i in group else p for i, p in enumerate(places)]
            sentence = f"{kind.__name__} stands where {words} belongs"
            yield Alteration("other_activation", sentence, RIGHT, problem=_with(problem, other))
    for kind in ACTIVATIONS:
        last = Place("added", kind(name=None), places[-1].output_shape, places[-1].output_shape, {})
        sentence = f"a {kind.__name__} is applied to the output of the network"
        yield Alteration("activation_added", sentence, RIGHT, problem=_with(problem, [*places, last]))


def _of_kind(place: Place, kind: type[Layer]) -> Place:
    return replace(place, layer=kind(name=None))


def _parameters(passage: Passage) -> Iterator[Alteration]:
    places = passage.problem.network.places
    biases = [i for i, p in enumerate(places) if "bias" in p.parameters]
    for group in groups(biases):
        words = label(passage, group)
        names = [places[i].full("bias") for i in group]
        zero = _change(names, 0.0)
        sentence = f"the bias of {words} is left out of the forward pass"
        yield Alteration("bias_missing", sentence, RIGHT, parameters=zero)
        yield Alteration(
            "bias_missing", f"{sentence}, its gradient is 0", RIGHT, parameters=zero, end=_after(names, 0.0)
        )
        sentence = f"the bias of {words} is subtracted in place of added"
        yield Alteration("bias_subtracted", sentence, RIGHT, parameters=_change(names, -1.0), end=_after(names, -1.0))
        yield Alteration("bias_doubled", f"the bias of {words} is added twice", RIGHT, parameters=_change(names, 2.0))
    square = [i for i, p in enumerate(places) if _is_square(p)]
    for group in groups(square):
        words, names = label(passage, group), [places[i].full("weight") for i in group]
        sentence = f"the forward pass has x W where x W^T belongs, in {words}"
        yield Alteration(
            "weight_transposed_forward", sentence, RIGHT, parameters=_turned(names), end=_turned_back(names)
        )
    for i, j in _pairs(square):
        if places[i].parameters != places[j].parameters:
            continue
        sentence = f"the parameters of {places[i].name} and {places[j].name} are exchanged"
        exchange = _exchanged([(places[i].full(local), places[j].full(local)) for local in places[i].parameters])
        yield Alteration("layers_exchanged", sentence, RIGHT, parameters=exchange, end=_at_end(exchange))


def _is_square(place: Place) -> bool:
    shape = place.parameters["weight"].shape if is_linear(place) else ()
    return len(shape) == 2 and shape[0] == shape[1] > 1


def _pairs(sites: list[int]) -> list[tuple[int, int]]:
    return [(i, j) for i in sites for j in sites if i < j]


def _change(names: list[str], factor: float) -> Change:
    return lambda values: {n: v * factor if n in names else v for n, v in values.items()}


def _after(names: list[str], factor: float) -> AtEnd:
    return lambda passage, gradients: {n: g * factor if n in names else g for n, g in gradients.items()}


def _turned(names: list[str]) -> Change:
    return lambda values: {n: np.array(v.mT) if n in names else v for n, v in values.items()}


def _turned_back(names: list[str]) -> AtEnd:
    return lambda passage, gradients: {n: g.mT if n in names else g for n, g in gradients.items()}


def _at_end(change: Change) -> AtEnd:
    return lambda passage, gradients: change(gradients)


def _exchanged(pairs: list[tuple[str, str]]) -> Change:
    other = dict(pairs) | {b: a for a, b in pairs}

    def change(values: Gradients) -> Gradients:
        return {name: values[other.get(name, name)] for name in values}

    return change
