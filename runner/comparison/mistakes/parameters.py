"""Mistakes in the gradients of a linear layer's parameters: y = x W^T + b, dW = delta^T x, db = the sum of delta."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.comparison.mistakes.base import (
    Alteration,
    At,
    OfParameter,
    Passage,
    groups,
    is_activation,
    is_linear,
    label,
)

WEIGHT = "dL/dW = delta^T x, summed over the batch"
BIAS = "dL/db = the sum of delta over the batch"


@dataclass(frozen=True)
class WrongParameter:
    """A wrong gradient of one of a layer's parameters. It gives None where it cannot be made."""

    name: str
    sentence: str
    formula: str
    local: str
    gradient: Callable[[At, Array], Array | None]


def _product(delta: Array, x: Array, like: Array) -> Array | None:
    """delta^T x, if it has the gradient's shape."""
    if delta.ndim != 2 or x.ndim != 2 or (delta.shape[1], x.shape[1]) != like.shape:
        return None
    product: Array = np.matmul(delta.mT, x)
    return product


def _is_activation(t: At, i: int) -> bool:
    places = t.passage.problem.network.places
    return 0 <= i < len(places) and is_activation(places[i])


def _before_activation(t: At, g: Array) -> Array | None:
    return _product(t.delta, t.passage.inputs[t.i - 1], g) if _is_activation(t, t.i - 1) else None


def _after_activation(t: At, g: Array) -> Array | None:
    return _product(t.delta, t.passage.outputs[t.i + 1], g) if _is_activation(t, t.i + 1) else None


def _delta_before_slope(t: At, g: Array) -> Array | None:
    return _product(t.passage.deltas[t.i + 1], t.z, g) if _is_activation(t, t.i + 1) else None


def _bias_before_slope(t: At, g: Array) -> Array | None:
    return np.add.reduce(t.passage.deltas[t.i + 1], axis=0) if _is_activation(t, t.i + 1) else None


def _delta_of_layer_after(t: At, g: Array) -> Array | None:
    places = t.passage.problem.network.places
    after = next((i for i in range(t.i + 1, len(places)) if places[i].parameters), None)
    return None if after is None else _product(t.passage.deltas[after], t.z, g)


def _in_batch(t: At, value: Array) -> Array | None:
    return value if t.passage.batch > 1 else None


PARAMETERS = (
    WrongParameter(
        "weight_gradient_transposed",
        "the gradient of {layer}.weight is transposed: x^T delta in place of delta^T x",
        WEIGHT,
        "weight",
        lambda t, g: g.mT if g.shape[0] == g.shape[-1] > 1 else None,
    ),
    WrongParameter(
        "input_before_activation",
        "{layer}.weight is what comes out when the layer's input is taken before the activation: z in place of a",
        WEIGHT,
        "weight",
        _before_activation,
    ),
    WrongParameter(
        "own_output_for_input",
        "in the gradient of {layer}.weight the layer's own output stands where its input belongs",
        WEIGHT,
        "weight",
        lambda t, g: _product(t.delta, t.a, g),
    ),
    WrongParameter(
        "own_activation_for_input",
        "in the gradient of {layer}.weight the activation after the layer stands where the one before it belongs",
        WEIGHT,
        "weight",
        _after_activation,
    ),
    WrongParameter(
        "network_input_for_input",
        "in the gradient of {layer}.weight the network's input stands where the layer's own input belongs",
        WEIGHT,
        "weight",
        lambda t, g: _product(t.delta, t.passage.x, g) if t.i > 0 else None,
    ),
    WrongParameter(
        "weight_without_slope",
        "the gradient of {layer}.weight lacks the factor f'(z) of the activation after it",
        WEIGHT,
        "weight",
        _delta_before_slope,
    ),
    WrongParameter(
        "delta_of_layer_after",
        "in the gradient of {layer}.weight the delta of the layer after it stands where its own belongs",
        WEIGHT,
        "weight",
        _delta_of_layer_after,
    ),
    WrongParameter(
        "bias_without_slope",
        "the gradient of {layer}.bias lacks the factor f'(z) of the activation after it",
        BIAS,
        "bias",
        _bias_before_slope,
    ),
    WrongParameter(
        "bias_of_first_sample",
        "the gradient of {layer}.bias is that of the first sample alone: it is not summed over the batch",
        BIAS,
        "bias",
        lambda t, g: _in_batch(t, t.delta[0]),
    ),
    WrongParameter(
        "bias_of_last_sample",
        "the gradient of {layer}.bias is that of the last sample alone: it is not summed over the batch",
        BIAS,
        "bias",
        lambda t, g: _in_batch(t, t.delta[-1]),
    ),
    WrongParameter(
        "bias_mean",
        "the gradient of {layer}.bias is the mean over the batch in place of the sum",
        BIAS,
        "bias",
        lambda t, g: _in_batch(t, g / t.passage.batch),
    ),
    WrongParameter(
        "weight_mean",
        "the gradient of {layer}.weight is the mean over the batch in place of the sum",
        WEIGHT,
        "weight",
        lambda t, g: _in_batch(t, g / t.passage.batch),
    ),
    WrongParameter(
        "bias_summed_to_one",
        "the gradient of {layer}.bias is summed over the outputs too: every output has the total of all",
        BIAS,
        "bias",
        lambda t, g: np.add.reduce(g) * np.ones_like(g) if g.size > 1 else None,
    ),
    WrongParameter(
        "weight_of_first_sample",
        "the gradient of {layer}.weight is that of the first sample alone",
        WEIGHT,
        "weight",
        lambda t, g: None if t.passage.batch == 1 else _product(t.delta[:1], t.z[:1], g),
    ),
    WrongParameter(
        "weight_of_last_sample",
        "the gradient of {layer}.weight is that of the last sample alone",
        WEIGHT,
        "weight",
        lambda t, g: None if t.passage.batch == 1 else _product(t.delta[-1:], t.z[-1:], g),
    ),
)


def parameters(passage: Passage) -> Iterator[Alteration]:
    """Each mistake at each linear layer, and at all of them."""
    places = passage.problem.network.places
    sites = [i for i, p in enumerate(places) if is_linear(p)]
    for group in groups(sites):
        words = label(passage, group)
        for wrong in PARAMETERS:
            changes = dict.fromkeys(group, _only(wrong))
            yield Alteration(wrong.name, wrong.sentence.format(layer=words), wrong.formula, gradient=changes)


def _only(wrong: WrongParameter) -> OfParameter:
    return lambda t, local, g: wrong.gradient(t, g) if local == wrong.local else None
