"""A loss run alone, by its own pass and by autograd of its twin, on predictions and targets that it is made for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf

from runner.arrays import DTYPES, Array, Shape
from runner.comparison.rounding import empty_noisy
from runner.config import build
from runner.losses.base import Loss
from runner.losses.narrow import loss_pass
from tests.helpers import CATALOG

Draw = Callable[[np.random.Generator, Shape], Array]


def make_loss(name: str, keys: Mapping[str, Any] | None = None) -> Loss:
    node = OmegaConf.to_container(OmegaConf.load(CATALOG.find("loss", name, "loss")))
    assert isinstance(node, dict)
    return build({**node, **(keys or {})}, "loss", Loss)


def normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.standard_normal(shape)


def inner(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.05, 0.95, shape)


def probabilities(rng: np.random.Generator, shape: Shape) -> Array:
    found = rng.uniform(0.1, 1, shape)
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def logarithms(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(np.log(probabilities(rng, shape)))


def bits(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(0, 2, shape).astype(np.float64)


def indices(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(0, shape[-1], shape[:-1])


def padded(rng: np.random.Generator, shape: Shape) -> Array:
    """Indices, every other one torch's default for what is ignored."""
    y = indices(rng, shape)
    y[..., 1::2] = -100
    return y


def every_other_1(rng: np.random.Generator, shape: Shape) -> Array:
    y = indices(rng, shape)
    y[y == 1] = 0
    y[..., 1::2] = 1
    return y


@dataclass(frozen=True)
class Variant:
    """A loss, some of its keys, and what its predictions and its targets are drawn by."""

    name: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    predictions: Draw = normal
    targets: Draw = normal
    classes: bool = False
    """Whether it needs an axis of classes."""

    def __str__(self) -> str:
        told = ",".join(f"{key}={value}" for key, value in self.keys.items()).replace(" ", "")
        return f"{self.name}-{told or 'default'}-{self.targets.__name__}"

    def loss(self) -> Loss:
        return make_loss(self.name, self.keys)

    def draw(
        self, seed: int, dtype: str, batch: int | None = None, replicas: Shape = (), out: Shape | None = None
    ) -> tuple[Array, Array]:
        """Prediction and target, each number one that ``dtype`` holds exactly."""
        rng = np.random.default_rng(seed)
        width = 4 if {"weight", "pos_weight"} & self.keys.keys() else int(rng.integers(1 + self.classes, 6))
        outs: list[Shape] = [(width,), (3, width), () if not self.classes else (2, 3, width)]
        batch = int(rng.integers(2, 9)) if batch is None else batch
        shape = (*replicas, batch, *(outs[seed % 3] if out is None else out))
        p, y = (draw(rng, shape) for draw in (self.predictions, self.targets))
        to_grid = DTYPES[dtype]
        return p.astype(to_grid).astype(np.float64), y if y.dtype.kind == "i" else y.astype(to_grid).astype(np.float64)


WEIGHT = [0.5, 2.0, 1.25, 0.1]
SUM = {"reduction": "sum"}
IGNORE_1 = {"ignore_index": 1}

# fmt: off
VARIANTS = [
    Variant("sse"),
    *(Variant(name, keys) for name in ("mse", "l1") for keys in ({}, SUM)),
    *(Variant("huber", keys) for keys in ({}, SUM, {"delta": 0.3})),
    *(Variant("smooth_l1", keys) for keys in ({}, SUM, {"beta": 0.3}, {"beta": 0.0})),
    Variant("bce", {}, inner, bits), Variant("bce", SUM, inner, inner),
    *(Variant("bce_with_logits", keys, normal, y) for keys in ({}, SUM) for y in (bits, inner)),
    *(Variant("bce_with_logits", {"pos_weight": WEIGHT, **keys}, normal, bits, True) for keys in ({}, SUM)),
    *(
        Variant("cross_entropy", {**a, **b, **c}, normal, y, True)
        for a in ({}, SUM) for b in ({}, {"weight": WEIGHT}) for c in ({}, {"label_smoothing": 0.2})
        for y in (indices, probabilities)
    ),
    *(Variant("nll", {**a, **b}, logarithms, indices, True) for a in ({}, SUM) for b in ({}, {"weight": WEIGHT})),
    *(
        Variant(name, {**a, **b, **c, **d}, normal if name == "cross_entropy" else logarithms, y, True)
        for a in ({}, SUM) for b in ({}, {"weight": WEIGHT}) for y, c in ((padded, {}), (every_other_1, IGNORE_1))
        for name, d in (("cross_entropy", {}), ("cross_entropy", {"label_smoothing": 0.2}), ("nll", {}))
    ),
    *(
        Variant("kl_div", {"reduction": how, "log_target": log}, logarithms, logarithms if log else probabilities, True)
        for how in ("mean", "sum", "batchmean") for log in (False, True)
    ),
]
# fmt: on


def by_hand(
    loss: Loss, prediction: Array, y: Array, dtype: str, noisy: bool = False, replicas: int = 0
) -> tuple[Array, Array]:
    """The loss and its gradient, by its own pass."""
    to = DTYPES[dtype]

    def empty(shape: Shape) -> Array:
        return empty_noisy(shape, to) if noisy else np.empty(shape, to)

    p, t = empty(prediction.shape), y
    p[...] = prediction
    if y.dtype.kind == "f":
        t = empty(y.shape)
        t[...] = y
    made = loss_pass(loss, prediction.shape, empty, replicas)
    value = np.array(made.forward(p, t))
    return value, np.array(made.backward())


def by_autograd(loss: Loss, prediction: Array, y: Array, dtype: str = "float64") -> tuple[Array, Array]:
    """The same by torch; no replicas."""
    to = getattr(torch, dtype)
    p, t = torch.tensor(prediction, dtype=to, requires_grad=True), torch.tensor(y)
    value = loss.torch(p, t.to(to) if t.is_floating_point() else t)
    value.backward()  # type: ignore[no-untyped-call]
    assert p.grad is not None
    return value.detach().numpy(), p.grad.numpy()
