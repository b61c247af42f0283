"""Mistakes in the derivative of an activation f: a = f(z), and dL/dz = dL/da f'(z)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from runner.comparison.mistakes.base import Alteration, Leaving, Passage, groups, is_activation, label

RIGHT = "dL/dz = dL/da * f'(z)"


@dataclass(frozen=True)
class Slope:
    """A wrong factor in place of f'(z); ``{layer}`` stands for the activation's name."""

    name: str
    sentence: str
    leaving: Leaving


SLOPES = (
    Slope("slope_missing", "the factor f'(z) of {layer} is left out", lambda t: t.delta),
    Slope(
        "slope_at_activation",
        "the derivative of {layer} is taken at the activation a, f'(a), in place of f'(z)",
        lambda t: t.pulled_back(t.a, t.delta),
    ),
    Slope("slope_twice", "the factor f'(z) of {layer} is there twice", lambda t: t.pulled_back(t.z, t.dx)),
    Slope("slope_sign", "the derivative of {layer} has the wrong sign", lambda t: -t.dx),
    Slope("slope_halved", "the derivative of {layer} is halved", lambda t: t.dx / 2),
    Slope("slope_doubled", "the derivative of {layer} is doubled", lambda t: t.dx * 2),
    Slope("activation_for_slope", "the activation a of {layer} stands where f'(z) belongs", lambda t: t.delta * t.a),
    Slope("input_for_slope", "the pre-activation z of {layer} stands where f'(z) belongs", lambda t: t.delta * t.z),
    Slope(
        "slope_of_sigmoid",
        "the derivative of {layer} is taken as a (1 - a), which is sigmoid's",
        lambda t: t.delta * t.a * (1 - t.a),
    ),
    Slope(
        "slope_of_tanh",
        "the derivative of {layer} is taken as 1 - a^2, which is tanh's",
        lambda t: t.delta * (1 - t.a * t.a),
    ),
    Slope("slope_one_minus_a", "the derivative of {layer} is taken as 1 - a", lambda t: t.delta * (1 - t.a)),
    Slope(
        "slope_of_sigmoid_at_z",
        "the derivative of {layer} is taken as z (1 - z): the pre-activation stands where the activation belongs",
        lambda t: t.delta * t.z * (1 - t.z),
    ),
    Slope(
        "slope_of_tanh_at_z",
        "the derivative of {layer} is taken as 1 - z^2: the pre-activation stands where the activation belongs",
        lambda t: t.delta * (1 - t.z * t.z),
    ),
    Slope(
        "slope_of_relu",
        "the derivative of {layer} is taken as 1 where z > 0 and 0 elsewhere, which is ReLU's",
        lambda t: t.delta * (t.z > 0),
    ),
    Slope(
        "slope_of_relu_inverted",
        "the derivative of {layer} is taken as 1 where z <= 0 and 0 elsewhere",
        lambda t: t.delta * (t.z <= 0),
    ),
    Slope(
        "masked_by_delta",
        "{layer} lets through where the gradient dL/da is positive, in place of where z is",
        lambda t: np.maximum(t.delta, 0),
    ),
    Slope(
        "activation_squared_for_slope",
        "the derivative of {layer} is taken as a^2",
        lambda t: t.delta * t.a * t.a,
    ),
    Slope(
        "slope_of_sign",
        "the derivative of {layer} is taken as a (1 + a) in place of a (1 - a)",
        lambda t: t.delta * t.a * (1 + t.a),
    ),
    Slope(
        "slope_of_tanh_sign",
        "the derivative of {layer} is taken as 1 + a^2 in place of 1 - a^2",
        lambda t: t.delta * (1 + t.a * t.a),
    ),
)


def slopes(passage: Passage) -> Iterator[Alteration]:
    """Each wrong factor at each activation, and at all of them."""
    places = passage.problem.network.places
    sites = [i for i, p in enumerate(places) if i > 0 and is_activation(p)]
    for group in groups(sites):
        words = label(passage, group)
        for slope in SLOPES:
            yield Alteration(
                slope.name, slope.sentence.format(layer=words), RIGHT, leaving=dict.fromkeys(group, slope.leaving)
            )
