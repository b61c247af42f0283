"""Every layer by the verdict itself: output, every gradient and the gradient of its input, scratch against torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from runner.arrays import DTYPES, Array, Shape, in_dtype
from runner.backends.base import Given, Problem, State
from runner.backends.scratch import Scratch
from runner.backends.torch import EAGER
from runner.comparison.results import Comparison
from runner.comparison.verdict import Judge
from runner.layers.base import Buffers, Layer, Parameter, Pass
from runner.losses.base import Loss, LossPass
from runner.network import build_network
from runner.optimizers.sgd import PLAIN
from tests.layers.example import Example
from tests.layers.helpers import make_layer
from tests.layers.test_layers import every_layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Input(Layer):
    """A batch that is a parameter: its gradient is that of the next layer's input."""

    batch: int
    sample: Shape

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.sample

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {"value": Parameter((self.batch, *self.sample), 1)}

    def scratch(self, buffers: Buffers) -> Pass:
        return ScratchInput(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        class Module(torch.nn.Module):
            def __init__(self, shape: Shape) -> None:
                super().__init__()
                self.value = torch.nn.Parameter(torch.zeros(shape))

            def forward(self, _: torch.Tensor) -> torch.Tensor:
                return self.value

        return Module((self.batch, *self.sample))

    def describe(self, input_shape: Shape) -> str:
        return "Module()"


class ScratchInput:
    def __init__(self, buffers: Buffers) -> None:
        self.value, self.d_value = buffers.parameters["value"], buffers.gradients["value"]

    def forward(self, x: Array) -> Array:
        return self.value

    def backward(self, delta: Array) -> Array:
        self.d_value[...] = delta
        return delta


@dataclass(frozen=True, kw_only=True)
class Product(Loss):
    """L = the sum of p y, so that y is what comes back to the prediction."""

    formula: ClassVar[str] = "L = the sum of p y, dL/dp = y"

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> LossPass:
        return ScratchProduct(empty)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (prediction * y).sum()


class ScratchProduct:
    def __init__(self, empty: Callable[[Shape], Array]) -> None:
        self.loss = empty(())

    def forward(self, prediction: Array, y: Array) -> Array:
        self.y = y
        return np.vecdot(prediction.reshape(-1), y.reshape(-1), out=self.loss)

    def backward(self) -> Array:
        return self.y


def judged(name: str, example: Example, seed: int, dtype: str) -> tuple[Comparison, Comparison]:
    """One layer behind its input, or alone where that is tokens: its step, and what it carries after an update."""
    rng = np.random.default_rng(seed)
    layer, batch, to = make_layer(name, example.keys), int(rng.integers(2, 5)), DTYPES[dtype]
    first = [] if example.vocabulary else [("input", Input(name="input", batch=batch, sample=example.shape))]
    network = build_network([*first, ("layer", layer)], example.shape if example.vocabulary else (1,))
    x = np.zeros((batch, 1)) if first else rng.integers(0, example.vocabulary or 1, (batch, *example.shape))
    y = rng.standard_normal((batch, *network.output_shape))
    drawn = {key: rng.standard_normal(p.shape) / np.sqrt(p.fan_in) for key, p in network.parameters.items()}
    parameters = {key: in_dtype(value, to) for key, value in drawn.items()}
    state = State(parameters, {key: in_dtype(value, to) for key, value in network.buffers.items()})
    given = Given(state, in_dtype(x, to), in_dtype(y, to), network.draw(rng, batch))
    problem = Problem(network, Product(), PLAIN, lr=0.1)
    choices = {"scratch": Scratch(), "torch": EAGER}
    backends = {side: choice.make(side, problem, to) for side, choice in choices.items()}
    judge, steps = Judge(problem, choices, to, updates=True), {}
    with np.errstate(all="ignore"):
        for side, backend in backends.items():
            backend.load(state)
            steps[side] = backend.step(given.x, given.y, draws=given.draws)
        [step] = judge.compare(given, steps, judged=True)
        for backend in backends.values():
            backend.update()
        [update] = judge.compare_updates({side: backend.state() for side, backend in backends.items()})
    return step, update


@every_layer
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(2))
def test_scratch_and_torch_agree(name: str, example: Example, dtype: str, seed: int) -> None:
    for found in judged(name, example, seed, dtype):
        assert found.verdict == "agree", f"seed {seed}: {found.suspects} {found.finding}"
