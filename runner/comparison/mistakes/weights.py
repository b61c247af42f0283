"""Mistakes on the way back through a linear layer: y = x W^T + b, dx = delta W."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.comparison.mistakes.base import Alteration, Leaving, Passage, groups, is_linear, label

RIGHT = "dL/dx = delta W"


@dataclass(frozen=True)
class WrongInput:
    """A wrong gradient of a layer's input; ``{layer}`` stands for the layer's name."""

    name: str
    sentence: str
    leaving: Leaving
    zeros: bool = False


def _square(value: Array) -> bool:
    return value.ndim == 2 and value.shape[0] == value.shape[1] > 1


INPUTS = (
    WrongInput(
        "weight_transposed",
        "the gradient goes back through {layer} by W^T in place of W",
        lambda t: np.matmul(t.delta, t.weight.mT) if _square(t.weight) else None,
    ),
    WrongInput(
        "weight_missing",
        "the gradient goes back past {layer} as if its weight were not there",
        lambda t: t.delta if _square(t.weight) else None,
    ),
    WrongInput(
        "weight_sign",
        "the gradient goes back through {layer} with the wrong sign",
        lambda t: -t.dx,
    ),
    WrongInput(
        "weight_updated_too_early",
        "{layer}.weight is updated before the gradient goes back through it: W - lr dW in place of W",
        lambda t: np.matmul(t.delta, t.weight - t.passage.problem.lr * np.matmul(t.delta.mT, t.z)),
    ),
    WrongInput(
        "gradient_stops",
        "the gradient does not go back through {layer}: all below it get 0",
        lambda t: 0 * t.dx,
        zeros=True,
    ),
)


def weights(passage: Passage) -> Iterator[Alteration]:
    """Each mistake at each linear layer but the first, and at all of them."""
    places = passage.problem.network.places
    sites = [i for i, p in enumerate(places) if i > 0 and is_linear(p)]
    for group in groups(sites):
        words = label(passage, group)
        for wrong in INPUTS:
            yield Alteration(
                wrong.name,
                wrong.sentence.format(layer=words),
                RIGHT,
                leaving=dict.fromkeys(group, wrong.leaving),
                zeros=wrong.zeros,
            )
    for i in sites:
        for j in sites:
            if i != j and places[i].parameters["weight"].shape == places[j].parameters["weight"].shape:
                words = f"the gradient goes back through {places[i].name} by the weight of {places[j].name}"
                yield Alteration(
                    "weight_of_another_layer", words, RIGHT, leaving={i: _through(places[j].full("weight"))}
                )


def stale_weights(passage: Passage, before: Mapping[str, Array]) -> Iterator[Alteration]:
    """The weights of the step ``before``, on the way back through each linear layer, and through all of them."""
    places = passage.problem.network.places
    for group in groups([i for i, p in enumerate(places) if i > 0 and is_linear(p)]):
        leaving = {i: _by(before[places[i].full("weight")]) for i in group}
        words = f"the gradient goes back through {label(passage, group)} by its weight of the step before"
        yield Alteration("weight_stale", words, RIGHT, leaving=leaving)


def _by(weight: Array) -> Leaving:
    return lambda t: np.matmul(t.delta, weight)


def _through(weight: str) -> Leaving:
    return lambda t: np.matmul(t.delta, t.passage.parameters[weight])
