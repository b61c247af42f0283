"""A backpropagation of a network of sigmoids, with one mistake in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def slope(z: Array) -> Array:
    return np.asarray(sigmoid(z) * (1 - sigmoid(z)))


def backprop(parameters: dict[str, Array], x: Array, y: Array) -> tuple[Array, Array, dict[str, Array]]:
    layers = [name.removesuffix(".weight") for name in parameters if name.endswith(".weight")]
    inputs, sums = [x], []
    for layer in layers:
        sums.append(inputs[-1] @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"])
        inputs.append(sigmoid(sums[-1]))
    prediction = sums[-1]

    gradients = {}
    delta = 2 * (prediction - y)
    for k in reversed(range(len(layers))):
        gradients[f"{layers[k]}.weight"] = delta.T @ inputs[k]
        gradients[f"{layers[k]}.bias"] = delta.sum(axis=0)
        if k > 1:
            delta = (delta @ parameters[f"{layers[k]}.weight"]) * slope(sums[k - 1])
        elif k == 1:
            delta = (delta @ parameters[f"{layers[k]}.weight"]) * slope(inputs[1])  # the mistake: sums[0] is meant
    return ((prediction - y) ** 2).sum(), prediction, gradients
