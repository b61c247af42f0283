"""What every optimizer in conf/optimizer must satisfy; a new one joins by existing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from runner.arrays import Array
from runner.config import build
from runner.optimizers.base import Optimizer
from tests.helpers import CATALOG, same_bits

every_optimizer = pytest.mark.parametrize("name", CATALOG.names("optimizer"))
STEPS = 6


def make_optimizer(name: str) -> Optimizer:
    file = CATALOG.find("optimizer", name, "optimizer")
    return build(OmegaConf.to_container(OmegaConf.load(file)), "optimizer", Optimizer)


def by_hand(optimizer: Optimizer, start: Array, gradients: Array, lr: float) -> list[Array]:
    parameters, buffer = start.copy(), np.empty_like(start)
    update = optimizer.scratch(parameters, buffer, lr)
    path = []
    for gradient in gradients:
        buffer[...] = gradient
        update()
        assert same_bits(buffer, gradient), "an update changed the gradients"
        path.append(parameters.copy())
    return path


def by_torch(optimizer: Optimizer, start: Array, gradients: Array, lr: float) -> list[Array]:
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    stepper = optimizer.torch([parameter], lr)
    path = []
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient.copy())
        stepper.step()
        path.append(parameter.detach().numpy().copy())
    return path


def test_the_folder_of_optimizers_is_not_empty() -> None:
    assert "sgd" in CATALOG.names("optimizer")


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lr", [0.0, 0.05, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_every_update_equals_torch_within_rounding(name: str, dtype: str, lr: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 40))
    start, gradients = rng.standard_normal(size).astype(dtype), rng.standard_normal((STEPS, size)).astype(dtype)
    mine = by_hand(make_optimizer(name), start, gradients, lr)
    theirs = by_torch(make_optimizer(name), start, gradients, lr)
    scale = np.abs(start) + lr * np.abs(gradients).sum(axis=0) + lr
    for step, (u, g) in enumerate(zip(mine, theirs, strict=True)):
        assert u.dtype == dtype
        assert (np.abs(u - g) <= 4 * (step + 1) * np.finfo(dtype).eps * scale).all(), f"seed {seed}, step {step}"


@every_optimizer
def test_a_gradient_moves_its_parameter_against_its_sign(name: str) -> None:
    start, gradient = np.array([1.0, 1.0]), np.array([[2.0, -2.0]])
    (path,) = by_hand(make_optimizer(name), start, gradient, 0.01)
    assert path[0] < 1.0 < path[1]


def test_sgd_subtracts_the_learning_rate_times_the_gradient() -> None:
    path = by_hand(make_optimizer("sgd"), np.array([1.0, -2.0]), np.array([[4.0, 8.0], [0.0, 4.0]]), 0.25)
    np.testing.assert_array_equal(path, [[0.0, -4.0], [0.0, -5.0]])
