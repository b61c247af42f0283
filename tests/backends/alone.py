"""Everything by hand, run without torch: a digest of every layer's, loss's and optimizer's numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from omegaconf import OmegaConf

from runner.arrays import Array
from runner.building import build_layer
from runner.config import build
from runner.layers.base import Buffers
from runner.losses.base import Loss
from runner.losses.classes import OfClasses
from runner.optimizers.base import Optimizer
from tests.helpers import CATALOG
from tests.layers.example import Example
from tests.layers.examples import FOUND

T = TypeVar("T")


def digests() -> dict[str, str]:
    """A digest a layer (with each of its examples), a loss and an optimizer."""
    found = {}
    for name, examples in FOUND.items():
        for example in examples:
            found[f"layer {name} {example}"] = _digest(_of_layer(name, example))
    for name in CATALOG.names("loss"):
        found[f"loss {name}"] = _digest(_of_loss(_made(name, "loss", Loss)))
    for name in CATALOG.names("optimizer"):
        found[f"optimizer {name}"] = _digest(_of_optimizer(_made(name, "optimizer", Optimizer)))
    return found


def _made(name: str, group: str, kind: type[T]) -> T:
    return build(OmegaConf.to_container(OmegaConf.load(CATALOG.find(group, name, group))), group, kind)


def _digest(arrays: Iterable[Array]) -> str:
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


def _of_layer(name: str, example: Example) -> list[Array]:
    rng = np.random.default_rng(0)
    layer, shape = build_layer({"layer": name, **example.keys}, "layer", CATALOG), (3, *example.shape)
    x = rng.standard_normal(shape) if example.vocabulary is None else rng.integers(0, example.vocabulary, shape)
    parameters = {key: p.draw(rng) for key, p in layer.parameters(example.shape).items()}
    gradients = {key: np.empty_like(value) for key, value in parameters.items()}
    state = {key: np.array(value) for key, value in layer.buffers(example.shape).items()}
    masks = {key: mask.draw(rng, 3) for key, mask in layer.masks(example.shape).items()}
    floats = example.vocabulary is None
    made = layer.scratch(Buffers(shape, parameters, gradients, np.empty, floats, state=state, masks=masks))
    y = np.array(made.forward(x))
    dx = np.array(made.backward(rng.standard_normal(y.shape)))
    return [y, dx, *gradients.values(), *state.values()]


def _of_loss(loss: Loss) -> list[Array]:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, (4, 5))
    y = rng.integers(0, 5, 4) if isinstance(loss, OfClasses) else rng.uniform(0.1, 0.9, (4, 5))
    made = loss.scratch(p.shape, np.empty)
    return [np.array(made.forward(p, y)), np.array(made.backward())]


def _of_optimizer(optimizer: Optimizer) -> list[Array]:
    rng = np.random.default_rng(0)
    parameters, gradients = rng.standard_normal((2, 20))
    updater = optimizer.scratch(parameters, gradients)
    for _ in range(5):
        updater.update(0.05)
        gradients *= -0.7
    return [parameters, *updater.state().values()]
