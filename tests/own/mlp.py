"""A backpropagation of a fully connected network that can be spoilt at three places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from runner import Verdict, check
from runner.arrays import Array

Gradients = dict[str, Array]


def _right_delta(delta: Array) -> Array:
    return delta


def _right_gradients(gradients: Gradients) -> Gradients:
    return gradients


def slope_of(activation: str, z: Array, a: Array) -> Array:
    """The derivative of the activation."""
    slopes: dict[str, Array] = {"sigmoid": a * (1 - a), "tanh": 1 - a * a, "relu": (z > 0).astype(z.dtype)}
    return slopes[activation]


@dataclass(frozen=True)
class Mlp:
    """The sum of squared errors; ``delta`` changes the loss's gradient, ``finish`` all gradients."""

    activation: str = "sigmoid"
    slope: Callable[[str, Array, Array], Array] = slope_of
    delta: Callable[[Array], Array] = _right_delta
    finish: Callable[[Gradients], Gradients] = _right_gradients

    def __call__(self, parameters: Mapping[str, Array], x: Array, y: Array) -> tuple[Any, Array, Gradients]:
        names = [name.removesuffix(".weight") for name in parameters if name.endswith("weight")]
        inputs, outputs = [], [x]
        for name in names:
            z = outputs[-1] @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]
            inputs.append(z)
            outputs.append(z if name == names[-1] else self._activated(z))
        delta, gradients = self.delta(2 * (outputs[-1] - y)), Gradients()
        for i, name in reversed(list(enumerate(names))):
            gradients |= {f"{name}.weight": delta.T @ outputs[i], f"{name}.bias": delta.sum(axis=0)}
            if i:
                slope = self.slope(self.activation, inputs[i - 1], outputs[i])
                delta = (delta @ parameters[f"{name}.weight"]) * slope
        return ((outputs[-1] - y) ** 2).sum(), outputs[-1], self.finish(gradients)

    def _activated(self, z: Array) -> Array:
        if self.activation == "relu":
            return np.maximum(z, 0)
        return np.tanh(z) if self.activation == "tanh" else np.asarray(1 / (1 + np.exp(-z)))

    def judged(self, parameters: Gradients, x: Array, y: Array, folder: Path) -> Verdict:
        """The verdict against torch in float64, on one batch, from these parameters."""
        path = folder / "parameters.npz"
        np.savez(path, allow_pickle=False, **parameters)
        weights = [value for name, value in parameters.items() if name.endswith("weight")]
        return check(
            self,
            "data=inline",
            "target=given",
            f"data.x={x.tolist()}",
            f"data.y={y.tolist()}",
            "init=file",
            f"init.path={path}",
            f"architecture.hidden={[len(weight) for weight in weights[:-1]]}",
            f"architecture.activation={self.activation}",
            f"batch_size={len(x)}",
            "dtype=float64",
        )


def drawn(sizes: list[int], rng: np.random.Generator, biases: bool = True) -> Gradients:
    """Parameters of a network of these widths, under the names of the default architecture."""
    parameters = {}
    for i, (features, out) in enumerate(pairwise(sizes)):
        name = f"hidden_layer_{i}" if i else "input_layer"
        parameters[f"{name}.weight"] = rng.standard_normal((out, features))
        parameters[f"{name}.bias"] = rng.standard_normal(out) * biases
    return parameters
