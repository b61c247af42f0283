"""The run's mathematics once more, written down plainly in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .stores import LAYERS, Arrays, gradients, parameters

Array = NDArray[Any]


def sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def predict(
    p: Mapping[str, Array], x: Array, activation: Callable[[Array], Array] = sigmoid, layers: Sequence[str] = LAYERS
) -> Array:
    """The network's output (samples, out) for x (samples, features)."""
    a = x
    for layer in layers:
        z = a @ p[f"{layer}.weight"].astype(np.float64).T + p[f"{layer}.bias"]
        a = z if layer == layers[-1] else activation(z)
    return a


def end(run_folder: Path, which: str) -> Arrays:
    """The ``first`` or the ``last`` parameters that a run has kept."""
    return {
        key.partition("/")[2]: value for key, value in parameters(run_folder).items() if key.startswith(f"{which}/")
    }


def descended(run_folder: Path, lr: float, backend: str, steps: int | None = None) -> Arrays:
    """The parameters after some steps, or all: the first ones less lr times the sum of the gradients."""
    g = gradients(run_folder)
    return {
        name: value.astype(np.float64) - lr * g[f"{backend}/{name}"][:steps].astype(np.float64).sum(axis=0)
        for name, value in end(run_folder, "first").items()
    }


def grid(points: int = 11) -> tuple[Array, Array]:
    """x over the unit square, and the default target of it: half the sum of its squares."""
    axis = np.linspace(0, 1, points)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return x, 0.5 * np.square(x).sum(axis=1, keepdims=True)


def error(p: Mapping[str, Array]) -> float:
    """The mean squared error over the grid."""
    x, y = grid()
    return float(np.square(predict(p, x) - y).mean())
