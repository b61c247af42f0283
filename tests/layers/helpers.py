"""A layer run alone, by its own pass and by autograd of its twin, on the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from runner.arrays import DTYPES, Array, Shape
from runner.comparison.constants import NOISE, NOISY_RUNS, UNIT_ROUNDOFF
from runner.comparison.rounding import empty_noisy, noise, rms
from runner.config import build_named
from runner.layers.base import Buffers, Layer
from tests.helpers import CATALOG

VARIANTS: dict[str, list[dict[str, Any]]] = {"linear": [{"out": 1}, {"out": 7}, {"out": 4, "bias": False}]}
"""Keys to try for layers that must or may be given some; every other layer is tried as its YAML file has it."""

LAYERS = [(name, keys) for name in CATALOG.names("layer") for keys in VARIANTS.get(name, [{}])]


def make_layer(name: str, keys: Mapping[str, Any]) -> Layer:
    return build_named({"layer": name, **keys}, "layer", Layer, CATALOG, "layer", "layer")


@dataclass(frozen=True)
class Case:
    """A layer, its input x (..., batch, features), its parameters and the delta that comes back to it, in float64."""

    layer: Layer
    x: Array
    parameters: dict[str, Array]
    delta: Array

    def rounded(self, dtype: str) -> Case:
        """The same, every number one that ``dtype`` holds exactly."""
        to = DTYPES[dtype]
        parameters = {name: value.astype(to).astype(np.float64) for name, value in self.parameters.items()}
        x, delta = self.x.astype(to).astype(np.float64), self.delta.astype(to).astype(np.float64)
        return Case(self.layer, x, parameters, delta)


def draw_case(layer: Layer, rng: np.random.Generator, replicas: Shape = (), batch: int | None = None) -> Case:
    batch = int(rng.integers(2, 9)) if batch is None else batch
    features = (int(rng.integers(1, 9)),)
    x = rng.standard_normal((*replicas, batch, *features))
    parameters = {
        name: rng.standard_normal((*replicas, *p.shape)) / np.sqrt(p.fan_in)
        for name, p in layer.parameters(features).items()
    }
    return Case(layer, x, parameters, rng.standard_normal((*replicas, batch, *layer.output_shape(features))))


def by_hand(case: Case, dtype: str = "float64", noisy: bool = False) -> dict[str, Array]:
    """``output``, ``input`` (its gradient) and every parameter's gradient, by the layer's own pass."""
    to = DTYPES[dtype]

    def empty(shape: Shape) -> Array:
        return empty_noisy(shape, to) if noisy else np.empty(shape, to)

    def filled(value: Array) -> Array:
        made = empty(value.shape)
        made[...] = value
        return made

    gradients = {name: empty(value.shape) for name, value in case.parameters.items()}
    parameters = {name: filled(value) for name, value in case.parameters.items()}
    made = case.layer.scratch(Buffers(case.x.shape, parameters, gradients, empty, input_gradient=True))
    output = np.array(made.forward(filled(case.x)))
    found = {"output": output, "input": np.array(made.backward(filled(case.delta)))}
    return found | {name: np.array(value) for name, value in gradients.items()}


def by_autograd(case: Case) -> dict[str, Array]:
    """The same by torch in float64; no replicas."""
    module = case.layer.torch(case.x.shape[1:]).to(torch.float64)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in case.parameters.items()}, strict=True)
    x = torch.from_numpy(case.x.copy()).requires_grad_()
    output = module(x)
    output.backward(torch.from_numpy(case.delta))
    assert x.grad is not None
    found = {"output": output.detach().numpy(), "input": x.grad.numpy()}
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None
        found[name] = parameter.grad.numpy()
    return found


def sigma_of_noise(case: Case, dtype: str) -> dict[str, Array]:
    """The size of rounding in ``dtype`` on every element, by noisy arithmetic on the layer's own pass."""
    plain = by_hand(case)
    shaken: list[dict[str, Array]] = []
    for k in range(1, NOISY_RUNS + 1):
        with noise(NOISE * UNIT_ROUNDOFF[dtype], k):
            shaken.append(by_hand(case, noisy=True))
    return {name: rms(np.array([run[name] - value for run in shaken])) for name, value in plain.items()}
