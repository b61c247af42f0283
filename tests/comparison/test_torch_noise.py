"""Noise over torch's own operations: what is rounded errs, what is exact does not, and torch works as ever."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from runner.comparison.torch_noise import COMPOSED, EXACT, PARTIAL, SUMMING, TorchNoise

RUNS = 64
X = torch.rand(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) + 0.5
ONES = torch.ones(3, dtype=torch.float64)
PLACES = torch.tensor([2, 0])

Call = Callable[[Tensor], Tensor]


def written(change: Callable[[Tensor], object]) -> Call:
    """The call that makes a copy, changes it in place and returns it."""

    def call(x: Tensor) -> Tensor:
        y = x.clone()
        change(y)
        return y

    return call


ROUNDED: dict[str, Call] = {
    "multiply": lambda x: x * 1.1,
    "divide": lambda x: x / 3,
    "in place": written(lambda y: y.mul_(1.1)),
    "in place on a view": written(lambda y: y.t().mul_(1.1)),
    "into out": lambda x: torch.mul(x, 1.1, out=torch.empty_like(x)),
    "matrix product into out": lambda x: torch.mm(x, x.t(), out=torch.empty(4, 4, dtype=torch.float64)),
    "matrix product added in place": lambda x: torch.ones(4, 4, dtype=torch.float64).addmm_(x, x.t()),
    "all of a list": lambda x: torch._foreach_mul([x], 1.1)[0],
    "all of a list in place": written(lambda y: torch._foreach_mul_([y], 1.1)),
    "two results": lambda x: torch.var_mean(x, 0)[1],
    "exp": torch.exp,
    "power": lambda x: x**1.5,
    "mean": lambda x: x.mean(0),
    "norm": lambda x: torch.linalg.vector_norm(x, dim=0),
    "product": lambda x: x.prod(0),
    "complex": lambda x: torch.fft.fft(x)[:, 0].real,
}


@pytest.mark.parametrize("name", ROUNDED)
def test_every_form_of_call_keeps_the_noise(name: str) -> None:
    exact, found = ROUNDED[name](X), []
    for run in range(1, RUNS + 1):
        with TorchNoise(1e-8, run):
            found.append(ROUNDED[name](X))
    size = (torch.stack(found) / exact - 1).square().mean(0).sqrt()
    assert (size > 0.2e-8).all(), size
    assert (size < 30e-8).all(), size


MOVED: dict[str, Call] = {
    "negative": torch.neg,
    "absolute": lambda x: (-x).abs(),
    "relu": lambda x: torch.relu(-x),
    "relu in place": written(lambda y: y.relu_()),
    "clamp": lambda x: x.clamp(0.6, 0.9),
    "maximum": lambda x: torch.maximum(x, x.flip(0)),
    "largest": lambda x: x.max(1).values,
    "sort": lambda x: x.sort(0).values,
    "pooled maximum": lambda x: F.max_pool1d(x, 2),
    "floor": lambda x: x.floor(),
    "reshape": lambda x: x.t().reshape(2, 10),
    "slice": lambda x: x[1:, ::2],
    "index": lambda x: x[PLACES],
    "gather": lambda x: x.gather(0, PLACES.expand(5, 2).t()),
    "where": lambda x: torch.where(x > 1, x, 0.0),
    "concatenate": lambda x: torch.cat([x, x]),
    "stack": lambda x: torch.stack([x, x]),
    "split": lambda x: x.unsafe_split(2, 1)[1],
    "pad": lambda x: F.pad(x, (1, 1)),
    "clone": lambda x: x.clone().detach().contiguous(),
    "fill": written(lambda y: y[0].fill_(0.3)),
    "put": written(lambda y: y.index_put_((PLACES,), y[:2].clone())),
    "assign": written(lambda y: y.__setitem__(PLACES, 0.7)),
    "scatter": lambda x: x.scatter(0, PLACES.expand(5, 2).t(), 0.3),
    "embedding": lambda x: F.embedding(PLACES, x),
    "from numpy": lambda x: torch.tensor(x.numpy()),
    "made": lambda x: torch.full_like(x, 0.1),
    "single precision": lambda x: x.float() * 1.1,
    "integers": lambda x: (10 * x.float()).long() * 3,
    "comparison": lambda x: x > 1,
    "dropout's mask": lambda x: torch.empty_like(x).fill_(0.3).masked_fill_(x > 1, 0.0),
}


@pytest.mark.parametrize("name", MOVED)
def test_exact_operations_and_other_dtypes_are_left_alone(name: str) -> None:
    exact = MOVED[name](X)
    with TorchNoise(0.1, 3):
        assert torch.equal(MOVED[name](X), exact)


def test_the_backward_of_exact_operations_is_exact() -> None:
    x = X.clone().requires_grad_()
    with TorchNoise(0.1, 1):
        torch.autograd.backward([torch.relu(x)[1:, :2].t().clamp(max=1)], [torch.full((2, 3), 0.3).double()])
    assert x.grad is not None
    assert set(x.grad.float().flatten().tolist()) == {0.0, float(np.float32(0.3))}


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(),
        lambda x: x @ ONES,
        lambda x: 3 * x.mean(),
        lambda x: x.cumsum(0)[-1],
        lambda x: torch.einsum("i,i->", x, ONES),
        lambda x: torch.zeros(1, dtype=torch.float64).index_add(0, torch.zeros(3, dtype=torch.long), x),
        lambda x: F.conv1d(x[None, None], ONES[None, None]),
        lambda x: torch.addcmul(x[0], x[1] + x[2], ONES[0]),
    ],
    ids=["sum", "dot", "mean", "cumsum", "einsum", "index_add", "convolution", "addcmul"],
)
def test_a_sum_that_cancels_has_the_noise_of_its_terms(call: Call) -> None:
    x, found = torch.tensor([1.5, -1.25, -0.25 + 2.0**-40], dtype=torch.float64), []
    for run in range(1, RUNS + 1):
        with TorchNoise(1e-8, run):
            found.append(call(x).item())
    assert 0.3e-8 < np.sqrt(np.square(np.array(found) - 2.0**-40).mean()) < 1e-7


def test_equal_computations_err_equally_and_other_runs_and_operations_differently() -> None:
    y = X.flip(1)
    with TorchNoise(1e-6, 4):
        first, second, in_place, ties = X * y, X * y, X.clone().mul_(y), torch.full((99,), 1.7).double() * 0.3
        cancelled, added, multiplied = F.mse_loss(X, X.clone()), X + X, X * 2
    with TorchNoise(1e-6, 5):
        other = X * y
    assert torch.equal(first, second)
    assert torch.equal(first, in_place)
    assert 0 < (first != other).sum() < X.numel()
    assert len(set(ties.tolist())) == 1
    assert cancelled == 0
    assert not torch.equal(added, multiplied)


@pytest.mark.parametrize("run", [1, 2, 3])
def test_the_sign_of_the_noise_is_balanced_and_independent_from_run_to_run(run: int) -> None:
    values = torch.randn(20000, dtype=torch.float64, generator=torch.Generator().manual_seed(run))
    signs = []
    for k in (run, run + 1):
        with TorchNoise(1e-6, k):
            found = values * 1.0
        signs.append(torch.sign(found / values - 1))
    limit = 5 / np.sqrt(20000)
    assert all(abs(s.mean()) < limit for s in signs)
    assert abs((signs[0] * signs[1]).mean()) < limit
    assert abs((signs[0][1:] * signs[0][:-1]).mean()) < limit


def test_zeros_stay_zeros_unless_they_are_asked_to_fall_on_either_side() -> None:
    zero = torch.zeros(50, 50, dtype=torch.float64)
    with TorchNoise(0.1, 1):
        assert not (zero * 3).any()
    with TorchNoise(0.1, 1, near_zero=True):
        shaken, kept = zero * 3, torch.relu(zero)
    assert 1000 < (shaken > 0).sum() < 1500
    assert (shaken != 0).all()
    assert shaken.abs().max() < 1e-240
    assert not kept.any()


def test_views_stay_views_and_what_is_written_into_one_is_seen_in_its_base() -> None:
    base = X.clone()
    with TorchNoise(0.1, 1):
        view = base.view(20)[5:10]
        assert view.data_ptr() == base[1].data_ptr()
        returned, out = view.mul_(2.0), torch.empty_like(X)
        assert torch.mul(X, 2, out=out) is out
    assert returned is view
    assert torch.equal(base[1], view)
    assert set((view / X[1]).round(decimals=6).tolist()) <= {1.8, 2.2}
    assert torch.equal(base[[0, 2, 3]], X[[0, 2, 3]])


def test_elements_that_nothing_is_added_to_keep_their_value() -> None:
    for accumulate in ("index_add", "index_put"):
        y = X.clone()
        with TorchNoise(0.1, 1):
            if accumulate == "index_add":
                y.index_add_(0, PLACES, X[:2])
            else:
                y.index_put_((PLACES,), X[:2], accumulate=True)
        assert torch.equal(y[[1, 3]], X[[1, 3]])
        assert not torch.isclose(y[PLACES], X[PLACES] + X[:2]).any()


def test_the_running_statistics_of_a_batch_norm_move_on() -> None:
    noisy, plain = torch.nn.BatchNorm1d(5).double(), torch.nn.BatchNorm1d(5).double()
    plain(X)
    with TorchNoise(1e-6, 1):
        noisy(X)
    assert noisy.running_mean is not None
    assert plain.running_mean is not None
    assert torch.allclose(noisy.running_mean, plain.running_mean, rtol=1e-4)
    assert noisy.running_mean.all()


def test_autograd_still_knows_of_changes_in_place() -> None:
    x = X.clone().requires_grad_()
    with TorchNoise(1e-6, 1):
        y = x.exp()
        assert y.requires_grad
        assert (x._version, y._version) == (0, 0)
        y.mul_(2)
        assert y._version == 1
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()  # type: ignore[no-untyped-call]


def test_random_numbers_are_drawn_as_without_noise() -> None:
    torch.manual_seed(1)
    plain = (F.dropout(X, 0.5), torch.rand(3))
    torch.manual_seed(1)
    with TorchNoise(1e-6, 1, near_zero=True):
        noisy = (F.dropout(X, 0.5), torch.rand(3))
    assert torch.allclose(plain[0], noisy[0], rtol=1e-4)
    assert torch.equal(plain[1], noisy[1])


def test_noise_is_over_when_its_block_is_left_by_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), TorchNoise(0.5, 7):
        raise ZeroDivisionError
    assert torch.equal(X * 1.0, X)


def test_every_operation_that_is_listed_is_one_of_torch_s() -> None:
    known = {str(s.name).removeprefix("aten::").rstrip("_") for s in torch._C._jit_get_all_schemas()}
    assert known >= (EXACT | PARTIAL | SUMMING)
    assert not EXACT & (PARTIAL | SUMMING)
    assert len(COMPOSED) > 6
