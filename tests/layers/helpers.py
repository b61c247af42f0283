"""A layer run alone, by its own pass and by autograd of its twin, on the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from runner.arrays import DTYPES, Array, Shape
from runner.building import build_layer
from runner.comparison.constants import NOISE, NOISY_RUNS, UNIT_ROUNDOFF
from runner.comparison.rounding import empty_noisy, noise, rms
from runner.layers.base import Buffers, Layer
from runner.layers.narrow import pass_of
from tests.helpers import CATALOG


def make_layer(name: str, keys: Mapping[str, Any]) -> Layer:
    return build_layer({"layer": name, **keys}, "layer", CATALOG)


@dataclass(frozen=True)
class Case:
    """A layer, its input x (*replicas, batch, *sample), its parameters and the delta that comes back, in float64.

    ``state`` is what it carries as a step begins, ``masks`` the step's masks; both lead with the axes of replicas.
    """

    layer: Layer
    x: Array
    parameters: dict[str, Array]
    delta: Array
    replicas: Shape = ()
    state: dict[str, Array] = field(default_factory=dict)
    masks: dict[str, Array] = field(default_factory=dict)
    training: bool = True

    @property
    def sample(self) -> Shape:
        return self.x.shape[len(self.replicas) + 1 :]

    def rounded(self, dtype: str) -> Case:
        """The same, every number one that ``dtype`` holds exactly."""

        def to_grid(value: Array) -> Array:
            return value if value.dtype.kind in "iub" else value.astype(DTYPES[dtype]).astype(np.float64)

        parameters = {name: to_grid(value) for name, value in self.parameters.items()}
        state = {name: to_grid(value) for name, value in self.state.items()}
        x, delta = to_grid(self.x), to_grid(self.delta)
        return Case(self.layer, x, parameters, delta, self.replicas, state, self.masks, self.training)

    def alone(self, at: tuple[int, ...]) -> Case:
        """One of the replicas."""
        parameters = {name: value[at] for name, value in self.parameters.items()}
        state, masks = ({name: np.array(v[at]) for name, v in held.items()} for held in (self.state, self.masks))
        return Case(self.layer, self.x[at], parameters, self.delta[at], (), state, masks, self.training)


def draw_case(
    layer: Layer,
    rng: np.random.Generator,
    replicas: Shape = (),
    batch: int | None = None,
    shape: Shape | None = None,
    vocabulary: int | None = None,
    training: bool = True,
) -> Case:
    batch = int(rng.integers(2, 6)) if batch is None else batch
    sample = (int(rng.integers(1, 9)),) if shape is None else shape
    lead = (*replicas, batch)
    x = rng.standard_normal((*lead, *sample)) if vocabulary is None else rng.integers(0, vocabulary, (*lead, *sample))
    parameters = {
        name: rng.standard_normal((*replicas, *p.shape)) / np.sqrt(p.fan_in)
        for name, p in layer.parameters(sample).items()
    }
    state = {name: drawn_state(rng, value, replicas) for name, value in layer.buffers(sample).items()}
    masks = {name: rng.random((*lead, *m.shape)) >= m.p for name, m in layer.masks(sample).items()}
    delta = rng.standard_normal((*lead, *layer.output_shape(sample)))
    return Case(layer, x, parameters, delta, replicas, state, masks, training)


def drawn_state(rng: np.random.Generator, like: Array, replicas: Shape) -> Array:
    """Positive numbers, or small whole ones."""
    shape = (*replicas, *like.shape)
    return rng.integers(0, 5, shape) if like.dtype.kind == "i" else 0.5 + rng.random(shape)


def by_hand(case: Case, dtype: str = "float64", noisy: bool = False) -> dict[str, Array]:
    """``output``, ``input`` (its gradient), every parameter's gradient and ``state: NAME``, by the layer's own pass."""
    to = DTYPES[dtype]

    def empty(shape: Shape) -> Array:
        return empty_noisy(shape, to) if noisy else np.empty(shape, to)

    def filled(value: Array) -> Array:
        if value.dtype.kind in "iub":
            return value.copy()
        made = empty(value.shape)
        made[...] = value
        return made

    gradients = {name: empty(value.shape) for name, value in case.parameters.items()}
    state = {name: filled(value) for name, value in case.state.items()}
    buffers = Buffers(
        case.x.shape,
        {name: filled(value) for name, value in case.parameters.items()},
        gradients,
        empty,
        input_gradient=case.x.dtype.kind == "f",
        replicas=case.replicas,
        training=case.training,
        state=state,
        masks={name: mask.copy() for name, mask in case.masks.items()},
    )
    made = pass_of(case.layer, buffers)
    found = {"output": np.array(made.forward(filled(case.x)))}
    back = made.backward(filled(case.delta))
    found |= {"input": np.array(back)} if case.x.dtype.kind == "f" else {}
    found |= {name: np.array(value) for name, value in gradients.items()}
    return found | {f"state: {name}": np.array(value) for name, value in state.items()}


def by_autograd(case: Case) -> dict[str, Array]:
    """The same by torch in float64; no replicas."""
    assert not case.replicas
    module = case.layer.torch(case.sample).to(torch.float64).train(case.training)
    module.load_state_dict(
        {name: torch.tensor(value) for name, value in (case.parameters | case.state).items()}, strict=True
    )
    for name, mask in case.masks.items():
        where, _, local = name.rpartition(".")
        setattr(module.get_submodule(where), local, torch.tensor(mask))
    x = torch.tensor(case.x)
    if case.x.dtype.kind == "f":
        x.requires_grad_()
    output = module(x)
    output.backward(torch.tensor(case.delta))
    found = {"output": output.detach().numpy()}
    if case.x.dtype.kind == "f":
        assert x.grad is not None
        found["input"] = x.grad.numpy()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None
        found[name] = parameter.grad.numpy()
    return found | {f"state: {name}": buffer.numpy() for name, buffer in module.named_buffers()}


def sigma_of_noise(case: Case, dtype: str) -> dict[str, Array]:
    """The size of rounding in ``dtype`` on every element, by noisy arithmetic on the layer's own pass."""
    plain = by_hand(case)
    shaken: list[dict[str, Array]] = []
    for k in range(1, NOISY_RUNS + 1):
        with noise(NOISE * UNIT_ROUNDOFF[dtype], k):
            shaken.append(by_hand(case, noisy=True))
    return {name: rms(np.array([run[name] - value for run in shaken])) for name, value in plain.items()}
