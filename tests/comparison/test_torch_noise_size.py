"""Noise over torch's own operations has the size of rounding, in every kind of module, and none of it is lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from runner.arrays import Array
from runner.comparison.constants import NOISE, UNIT_ROUNDOFF
from runner.comparison.rounding import rms
from runner.comparison.torch_noise import TorchNoise
from tests.comparison.test_opinion import point_of
from tests.helpers import make_setup

RUNS = 64
UNIT = UNIT_ROUNDOFF["float32"]
X = torch.rand(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) + 0.5


class Between(nn.Module):
    """A function between two linear layers."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.function, self.last = nn.Linear(8, 8), function, nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.function(self.first(x)), self.last.weight, self.last.bias)


class Recurrent(nn.Module):
    def __init__(self, kind: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.inner = kind(8, 6, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.inner(x)[0]
        return output


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.inner(x, x, x)[0]
        return output


class Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = nn.Embedding(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.last(self.inner((10 * x).long() % 4))
        return output


def halves(z: Tensor) -> Tensor:
    """In-place operations on views."""
    y = z.clone()
    y[:, :4].mul_(3.3)
    y[:, 4:] += y[:, :4]
    return y


def between(function: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
    return lambda: Between(function)


FLAT, SEQUENCE, IMAGE = (5, 8), (5, 4, 8), (5, 2, 6, 6)


def convolution() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(27, 3))


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(8, 3), FLAT),
    "convolution": (convolution, IMAGE),
    "layer norm": (lambda: nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 3)), FLAT),
    "batch norm": (lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), FLAT),
    "group norm": (lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.Conv1d(4, 3, 3)), SEQUENCE),
    "rms norm": (lambda: nn.Sequential(nn.Linear(8, 8), nn.RMSNorm(8, eps=1e-6), nn.Linear(8, 3)), FLAT),
    "embedding": (Embedded, (5, 4)),
    "attention": (Attention, SEQUENCE),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), SEQUENCE),
    "lstm": (lambda: Recurrent(nn.LSTM), SEQUENCE),
    "gru": (lambda: Recurrent(nn.GRU), SEQUENCE),
    "softmax": (between(lambda z: torch.softmax(z, -1)), FLAT),
    "log softmax": (between(lambda z: torch.log_softmax(z, -1)), FLAT),
    "sigmoid": (between(torch.sigmoid), FLAT),
    "tanh": (between(torch.tanh), FLAT),
    "gelu": (between(F.gelu), FLAT),
    "gelu by tanh": (between(lambda z: F.gelu(z, approximate="tanh")), FLAT),
    "silu": (between(F.silu), FLAT),
    "elu": (between(F.elu), FLAT),
    "softplus": (between(F.softplus), FLAT),
    "leaky relu": (between(F.leaky_relu), FLAT),
    "interpolate": (between(lambda z: F.interpolate(z[:, None], 16, mode="linear")[:, 0, ::2]), FLAT),
    "fourier": (between(lambda z: torch.fft.irfft(torch.fft.rfft(z) * 2, 8)), FLAT),
    "standardised": (between(lambda z: z / z.std(-1, keepdim=True)), FLAT),
    "cumulative sum": (between(lambda z: z.cumsum(-1)), FLAT),
    "einsum": (between(lambda z: torch.einsum("bi,bj->bj", z, z.exp())), FLAT),
    "addcmul": (between(lambda z: torch.addcmul(z, z, z, value=-0.4)), FLAT),
    "in place": (between(lambda z: (z * 2).add_(1).mul_(3.3)), FLAT),
    "in place on views": (between(halves), FLAT),
}

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sse": lambda p, y: (p - y).square().sum(),
    "mse": F.mse_loss,
    "huber": F.huber_loss,
    "cross entropy": lambda p, y: F.cross_entropy(p, y.argmax(1)),
    "binary cross entropy": lambda p, y: F.binary_cross_entropy(torch.sigmoid(p), torch.sigmoid(y)),
    "binary cross entropy of logits": lambda p, y: F.binary_cross_entropy_with_logits(p, torch.sigmoid(y)),
    "kl": lambda p, y: F.kl_div(F.log_softmax(p, -1), F.softmax(y, -1), reduction="batchmean"),
}

PAIRS = [(module, "sse") for module in MODULES] + [("tanh", loss) for loss in LOSSES]
every_pair = pytest.mark.parametrize(("module", "loss"), PAIRS, ids=[" with ".join(pair) for pair in PAIRS])


def step(module: nn.Module, x: Tensor, y: Tensor, loss: str) -> list[Array]:
    """Loss, prediction and gradients, in float64."""
    module.zero_grad()
    prediction = module(x)
    value = LOSSES[loss](prediction, y)
    value.backward()  # type: ignore[no-untyped-call]
    found = [value, prediction, *(p.grad for p in module.parameters() if p.grad is not None)]
    return [t.detach().numpy().astype(np.float64) for t in found]


def steps(module: str, loss: str, seed: int, runs: int) -> tuple[list[Array], list[Array], list[list[Array]]]:
    """The same step in float32, in float64, and in runs of float64 with noise of float32's size."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    make, shape = MODULES[module]
    made = make().to(torch.float32)
    x = torch.randn(shape)
    y = torch.randn(made(x).shape)
    low = step(made, x, y, loss)
    made, x, y = made.to(torch.float64), x.double(), y.double()
    high, found = step(made, x, y, loss), []
    for run in range(1, runs + 1):
        with TorchNoise(UNIT, run):
            found.append(step(made, x, y, loss))
    return low, high, found


@every_pair
def test_the_noise_has_the_size_of_the_rounding_in_float32(module: str, loss: str) -> None:
    """Root mean square over the elements of eight seeds; one rounding of noise is about twice what rounding is."""
    sigma: dict[int, list[Array]] = {}
    error: dict[int, list[Array]] = {}
    for seed in range(8):
        low, high, noisy = steps(module, loss, seed, 16)
        for i, exact in enumerate(high):
            sigma.setdefault(i, []).append(rms(np.array([run[i] for run in noisy]) - exact).ravel())
            error.setdefault(i, []).append(np.abs(low[i] - exact).ravel())
    for i in range(1, len(sigma)):  # eight losses are too few
        ratio = rms(np.concatenate(sigma[i])) / rms(np.concatenate(error[i]))
        assert 1 / 3 < ratio < 6, (i, ratio)


@every_pair
def test_no_noise_is_lost_and_a_run_can_be_repeated_to_the_bit(module: str, loss: str) -> None:
    _, exact, (first, second) = steps(module, loss, 1, 2)
    _, again, (repeated, _) = steps(module, loss, 1, 2)
    for i, value in enumerate(exact):
        used = value != 0
        assert used.any()
        assert (first[i] != second[i])[used].mean() > 0.99, i
        assert np.array_equal(first[i], repeated[i])
        assert np.array_equal(value, again[i])


@pytest.mark.parametrize(
    "overrides",
    [(), ("architecture.activation=relu",), ("architecture.activation=tanh", "batch_size=5"), ("batch_size=64",)],
    ids=["sigmoid", "relu", "tanh", "batch"],
)
def test_the_noise_agrees_with_that_of_our_own_layers(overrides: tuple[str, ...]) -> None:
    point, error = point_of(make_setup("dtype=float64", *overrides)), NOISE * UNIT_ROUNDOFF["float64"]
    exact, theirs = point.reference, []
    for run in range(1, RUNS + 1):
        with TorchNoise(error, run):
            theirs.append(point._evaluate(point.sides.high["torch"]))
    ours = rms(np.array([point.noisy(error, run) for run in range(1, RUNS + 1)]) - point.library)
    found = rms(np.array(theirs) - exact)
    assert np.array_equal(ours > 0, found > 0)
    ratio = found[ours > 0] / ours[ours > 0]
    assert 0.5 < ratio.min() <= ratio.max() < 2, (ratio.min(), ratio.max())


@pytest.mark.parametrize("x", [-5.0, -4.0, -3.0, -1.0, 0.5, 3.0])
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_what_gelu_cancels_in_its_tail_is_seen(x: float, approximate: str) -> None:
    near = (x + torch.linspace(-0.01, 0.01, 201)).double()
    exact = F.gelu(near, approximate=approximate)
    error = F.gelu(near.float(), approximate=approximate).double() - exact
    found = []
    for run in range(1, RUNS + 1):
        with TorchNoise(UNIT, run):
            found.append((F.gelu(near, approximate=approximate) - exact).numpy())
    ratio = rms(rms(np.array(found))) / rms(error.numpy())
    assert 0.2 < ratio < 10, ratio


def test_first_order_propagation_by_hand() -> None:
    y, found = X.flip(0), []
    for run in range(1, RUNS + 1):
        with TorchNoise(1e-8, run):
            found.append((torch.exp(X) * y - 1).numpy())
    size = rms(np.array(found) - (torch.exp(X) * y - 1).numpy())
    product = torch.exp(X) * y
    wanted = 1e-8 * torch.sqrt(2 * product**2 + (product - 1) ** 2).numpy()
    assert (size < 2 * wanted).all()
    assert (size > wanted / 2).all()
