"""Right backpropagations of a sigmoid network with the sum of squared errors, each written in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from runner.arrays import Array

Result = tuple[Any, Any, dict[str, Any]]


def backprop(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    """Any depth; weights are (out, in)."""
    names = [name.removesuffix(".weight") for name in parameters if name.endswith("weight")]
    activations = [x]
    for name in names:
        z = activations[-1] @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]
        activations.append(1 / (1 + np.exp(-z)) if name != names[-1] else z)
    error = activations[-1] - y
    delta, gradients = 2 * error, {}
    for i, name in reversed(list(enumerate(names))):
        gradients[f"{name}.weight"] = delta.T @ activations[i]
        gradients[f"{name}.bias"] = delta.sum(axis=0)
        delta = (delta @ parameters[f"{name}.weight"]) * activations[i] * (1 - activations[i])
    return (error**2).sum(), activations[-1], gradients


def in_out(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    """The default network as z = x W + b, by hand, under names of its own."""
    w1, b1, w2, b2, w3, b3 = (parameters[name] for name in ("W1", "b1", "W2", "b2", "W3", "b3"))
    a1 = 1 / (1 + np.exp(-(x @ w1 + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2 + b2)))
    p = a2 @ w3 + b3
    d3 = 2 * (p - y)
    d2 = (d3 @ w3.T) * a2 * (1 - a2)
    d1 = (d2 @ w2.T) * a1 * (1 - a1)
    gradients = {"W1": x.T @ d1, "W2": a1.T @ d2, "W3": a2.T @ d3}
    return ((p - y) ** 2).sum(), p, gradients | {"b1": d1.sum(0), "b2": d2.sum(0), "b3": d3.sum(0)}


NAMES = (
    "{W1: input_layer.weight, b1: input_layer.bias, W2: hidden_layer_1.weight, b2: hidden_layer_1.bias,"
    " W3: hidden_layer_2.weight, b3: hidden_layer_2.bias}"
)


def single(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    """Knows float32 only."""
    narrow = {name: value.astype(np.float32) for name, value in parameters.items()}
    return backprop(narrow, x.astype(np.float32), y.astype(np.float32))


def double(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    """Always computes in float64."""
    wide = {name: value.astype(np.float64) for name, value in parameters.items()}
    return backprop(wide, x.astype(np.float64), y.astype(np.float64))


def tensors(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    """Returns torch tensors."""
    loss, prediction, gradients = backprop(parameters, x, y)
    return torch.tensor(loss), torch.tensor(prediction), {k: torch.tensor(v) for k, v in gradients.items()}


def make_model(width: int = 10) -> torch.nn.Module:
    """The default network with torch's own names of a Sequential's children."""
    linear, sigmoid = torch.nn.Linear, torch.nn.Sigmoid
    return torch.nn.Sequential(linear(2, width), sigmoid(), linear(width, width), sigmoid(), linear(width, 1))


def make_narrow_model() -> torch.nn.Module:
    return make_model(3)


class Watching(torch.nn.Module):
    """With batch normalisation; looks at its own output in evaluation mode, and does not switch back."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.norm, self.out = torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        prediction: torch.Tensor = self.out(self.norm(self.into(x)))
        self.norm.eval()
        self.seen = self.norm(self.into(x)).detach().mean()
        return prediction
