"""What every loss in conf/loss must satisfy; a new one joins by existing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from runner.arrays import DTYPES, Array, Shape
from runner.comparison.constants import LIMIT, NOISE, NOISY_RUNS, UNIT_ROUNDOFF
from runner.comparison.rounding import empty_noisy, noise, rms
from runner.config import build
from runner.losses.base import Loss
from tests.helpers import CATALOG, in_roundings, same_bits

every_loss = pytest.mark.parametrize("name", CATALOG.names("loss"))


def make_loss(name: str) -> Loss:
    return build(OmegaConf.to_container(OmegaConf.load(CATALOG.find("loss", name, "loss"))), "loss", Loss)


def by_hand(loss: Loss, prediction: Array, y: Array, dtype: str, noisy: bool = False) -> tuple[Array, Array]:
    to = DTYPES[dtype]

    def empty(shape: Shape) -> Array:
        return empty_noisy(shape, to) if noisy else np.empty(shape, to)

    p, t = empty(prediction.shape), empty(y.shape)
    p[...], t[...] = prediction, y
    made = loss.scratch(prediction.shape, empty)
    value = np.array(made.forward(p, t))
    return value, np.array(made.backward())


def by_autograd(loss: Loss, prediction: Array, y: Array) -> tuple[Array, Array]:
    p = torch.from_numpy(prediction.copy()).requires_grad_()
    value = loss.torch(p, torch.from_numpy(y.copy()))
    value.backward()  # type: ignore[no-untyped-call]
    assert p.grad is not None
    return value.detach().numpy(), p.grad.numpy()


def draw(seed: int, dtype: str, batch: int | None, replicas: Shape = ()) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    shape = (*replicas, int(rng.integers(2, 9)) if batch is None else batch, int(rng.integers(1, 6)))
    p, y = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape).astype(dtype)
    return p.astype(np.float64), y.astype(np.float64)


def test_the_folder_of_losses_is_not_empty() -> None:
    assert set(CATALOG.names("loss")) >= {"sse", "mse"}


@every_loss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("seed", range(6))
def test_loss_and_gradient_equal_autograd_within_rounding(name: str, dtype: str, batch: int | None, seed: int) -> None:
    loss, (p, y) = make_loss(name), draw(seed, dtype, batch)
    mine, plain, theirs = by_hand(loss, p, y, dtype), by_hand(loss, p, y, "float64"), by_autograd(loss, p, y)
    shaken = []
    for k in range(1, NOISY_RUNS + 1):
        with noise(NOISE * UNIT_ROUNDOFF[dtype], k):
            shaken.append(by_hand(loss, p, y, "float64", noisy=True))
    for i, tensor in enumerate(("loss", "gradient")):
        where = f"{tensor}, seed {seed}"
        assert mine[i].dtype == dtype, where
        assert mine[i].shape == theirs[i].shape, where
        sigma = rms(np.array([run[i] - plain[i] for run in shaken]))
        roundings = in_roundings(mine[i].astype(np.float64), theirs[i], sigma, dtype)
        assert roundings.max() <= LIMIT, where
        assert sigma.max() < 1e-4 * max(1.0, np.abs(theirs[i]).max()), f"a unit that excuses all: {where}"


@every_loss
@pytest.mark.parametrize("seed", range(3))
def test_each_replica_has_its_own_loss(name: str, seed: int) -> None:
    loss, (p, y) = make_loss(name), draw(seed, "float64", None, (3,))
    values, gradients = by_hand(loss, p, y, "float64")
    assert values.shape == (3,)
    for r in range(3):
        value, gradient = by_hand(loss, p[r], y[r], "float64")
        np.testing.assert_allclose(values[r], value, rtol=1e-13)
        np.testing.assert_allclose(gradients[r], gradient, rtol=1e-13)


@every_loss
def test_the_loss_leaves_its_arguments_alone_and_repeats_itself(name: str) -> None:
    loss, (p, y) = make_loss(name), draw(9, "float64", 4)
    made, before = loss.scratch(p.shape, np.empty), (p.copy(), y.copy())
    runs = []
    for _ in range(2):
        value = np.array(made.forward(p, y))
        runs.append((value, np.array(made.backward())))
    assert same_bits(runs[0][0], runs[1][0])
    assert same_bits(runs[0][1], runs[1][1])
    assert same_bits(p, before[0])
    assert same_bits(y, before[1])


@every_loss
@pytest.mark.parametrize("seed", range(4))
def test_noise_reaches_the_loss_and_its_gradient(name: str, seed: int) -> None:
    loss, (p, y) = make_loss(name), draw(seed, "float64", 3)
    shaken = []
    for k in range(1, 25):
        with noise(1e-9, k):
            shaken.append(by_hand(loss, p, y, "float64", noisy=True))
    for i, plain in enumerate(by_hand(loss, p, y, "float64")):
        values = np.array([run[i] for run in shaken])
        assert (values.max(axis=0) > values.min(axis=0)).all(), f"seed {seed}: noise is lost"
        np.testing.assert_allclose(values[0], plain, rtol=1e-6)


def test_sse_is_a_sum_and_mse_its_mean() -> None:
    p, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    assert by_hand(make_loss("sse"), p, y, "float64")[0] == 1 + 4 + 9 + 16
    assert by_hand(make_loss("mse"), p, y, "float64")[0] == (1 + 4 + 9 + 16) / 4
