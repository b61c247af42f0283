"""An optimizer run alone, by hand and by torch, over the same gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from runner.arrays import DTYPES, Array, eps
from runner.backends.tensors import to_numpy, to_torch
from runner.config import build
from runner.optimizers.base import Optimizer
from tests.helpers import CATALOG

DECAYED: dict[str, Any] = {"weight_decay": 0.1}
DECAYED_UPWARDS: dict[str, Any] = {"weight_decay": 0.1, "maximize": True}
DECOUPLED: dict[str, Any] = {"weight_decay": 0.1, "decoupled_weight_decay": True}
OTHER_BETAS: dict[str, Any] = {"betas": [0.3, 0.7], "eps": 1e-3}

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "sgd": [
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3, **DECAYED},
        {"momentum": 0.9, "nesterov": True, **DECAYED_UPWARDS},
    ],
    "adam": [{"amsgrad": True}, OTHER_BETAS, {"betas": [0.0, 0.0]}, {"amsgrad": True, **DECAYED_UPWARDS}],
    "adamw": [{"amsgrad": True}, OTHER_BETAS, DECAYED_UPWARDS],
    "rmsprop": [
        {"momentum": 0.9},
        {"centered": True, "alpha": 0.9},
        {"momentum": 0.5, "centered": True, "alpha": 0.3, **DECAYED_UPWARDS},
        {"eps": 0.1},
    ],
    "adagrad": [{"lr_decay": 0.1}, {"initial_accumulator_value": 0.5, "eps": 0.1}],
    "adadelta": [{"rho": 0.5, "eps": 0.1}],
    "nadam": [OTHER_BETAS, DECOUPLED, {"momentum_decay": 0.5}],
    "radam": [OTHER_BETAS, DECOUPLED, {"betas": [0.9, 0.0]}],
}
"""Keys to try, besides none and the decay of weights, which every optimizer is tried with."""

COMMON = [{}, DECAYED, DECAYED_UPWARDS]

OPTIMIZERS = [(name, keys) for name in CATALOG.names("optimizer") for keys in COMMON + VARIANTS.get(name, [])]

every_optimizer = pytest.mark.parametrize(("name", "keys"), OPTIMIZERS, ids=[f"{n}-{k}" for n, k in OPTIMIZERS])


STEPS, SIZE = 100, 37
APART = {"float64": 4 * STEPS, "float32": 4 * STEPS, "float16": 64, "bfloat16": 64}
"""Roundings of the largest value so far; a sum that cancels, as g + weight_decay p, shows more of them than one."""


def make_optimizer(name: str, keys: Mapping[str, Any]) -> Optimizer:
    defaults = OmegaConf.to_container(OmegaConf.load(CATALOG.find("optimizer", name, "optimizer")))
    assert isinstance(defaults, dict)
    return build({**defaults, **keys}, "optimizer", Optimizer)


@dataclass(frozen=True)
class Point:
    """The parameters and the optimizer's state after a step, copied."""

    parameters: Array
    state: dict[str, Array]

    @property
    def arrays(self) -> dict[str, Array]:
        return {"parameters": self.parameters, **self.state}


def by_hand(optimizer: Optimizer, start: Array, gradients: Sequence[Array], lr: Any) -> list[Point]:
    parameters, buffer = np.copy(start, subok=True), np.empty_like(start)
    updater, path = optimizer.scratch(parameters, buffer), []
    for gradient in gradients:
        buffer[...] = gradient
        updater.update(lr)
        assert buffer.tobytes() == np.asarray(gradient).tobytes(), "an update changed the gradients"
        path.append(Point(parameters.copy(), {key: value.copy() for key, value in updater.state().items()}))
    return path


class ByTorch:
    """The twin over one tensor of parameters."""

    def __init__(self, optimizer: Optimizer, start: Array, lr: float) -> None:
        self.parameter = torch.nn.Parameter(to_torch(start.copy()))
        self.optimizer = optimizer.torch([self.parameter], lr)

    def step(self, gradient: Array) -> None:
        self.parameter.grad = to_torch(gradient.copy())
        self.optimizer.step()

    @property
    def point(self) -> Point:
        state = {k: to_numpy(v).copy() for k, v in self.optimizer.state[self.parameter].items() if v is not None}
        return Point(to_numpy(self.parameter.detach()).copy(), state)


def by_torch(optimizer: Optimizer, start: Array, gradients: Sequence[Array], lr: float) -> list[Point]:
    twin, path = ByTorch(optimizer, start, lr), []
    for gradient in gradients:
        twin.step(gradient)
        path.append(twin.point)
    return path


def draw(dtype: str, steps: int, size: int, seed: int) -> tuple[Array, Array]:
    """Where it starts (size,) and its gradients (steps, size)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(size).astype(DTYPES[dtype]), rng.standard_normal((steps, size)).astype(DTYPES[dtype])


def in_units(mine: Array, theirs: Array, unit: float, scale: Array) -> float:
    """How far they are apart at most, in ``unit`` of the largest value there has been."""
    mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    off = np.abs(mine - theirs)
    return float(np.max(off[off > 0] / (unit * scale[off > 0]), initial=0.0))


def assert_agree(mine: list[Point], theirs: list[Point], start: Array, dtype: str) -> None:
    scale: dict[str, Array] = {"parameters": np.abs(start.astype(np.float64))}
    for step, (u, g) in enumerate(zip(mine, theirs, strict=True)):
        assert u.parameters.dtype == DTYPES[dtype]
        assert set(u.state) == set(g.state)
        for name, value in u.arrays.items():
            wanted = g.arrays[name].astype(np.float64)
            assert value.shape == wanted.shape, name
            assert value.dtype == (DTYPES[dtype] if value.ndim else np.float64), name
            finite = np.isfinite(wanted)
            np.testing.assert_array_equal(value[~finite].astype(np.float64), wanted[~finite])
            scale[name] = np.maximum(scale.get(name, 0.0), np.where(finite, np.abs(wanted), 0.0))
            off = in_units(value[finite], wanted[finite], eps(DTYPES[dtype]), scale[name][finite])
            assert off <= APART[dtype], f"step {step}, {name}: {off} roundings"
