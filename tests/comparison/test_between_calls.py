"""What a layer, a loss or an optimizer keeps between calls, or never writes, is no rounding and is never acquitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from runner.arrays import Array, Shape
from runner.assemble import Setup
from runner.comparison.summary import RunVerdict
from runner.layers.base import Buffers, Pass
from runner.layers.linear import Linear, ScratchLinear
from runner.losses.sse import ScratchSSE, SumOfSquaredErrors
from runner.network import build_network
from runner.optimizers.sgd import SGD, ScratchSGD
from tests.helpers import kept, make_setup

DTYPES = ("float32", "float64", "bfloat16")


class AccumulatingPass(ScratchLinear):
    def __init__(self, buffers: Buffers) -> None:
        super().__init__(buffers)
        self.total = np.zeros_like(self.d_weight)

    def backward(self, delta: Array) -> Array:
        found = super().backward(delta)
        self.total += self.d_weight
        self.d_weight[...] = self.total
        return found


@dataclass(frozen=True, kw_only=True)
class Accumulating(Linear):
    """Adds to its gradient and never clears it."""

    def scratch(self, buffers: Buffers) -> ScratchLinear:
        return AccumulatingPass(buffers)


@dataclass(frozen=True, kw_only=True)
class Forgetting(Linear):
    """Writes its gradient to where nobody looks."""

    def scratch(self, buffers: Buffers) -> Pass:
        lost = {name: np.empty_like(value) for name, value in buffers.gradients.items()}
        return super().scratch(replace(buffers, gradients=lost))


class KeepingLossPass(ScratchSSE):
    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int) -> None:
        super().__init__(shape, empty, replicas)
        self.total = np.zeros_like(self.dp)

    def backward(self) -> Array:
        self.total += super().backward()
        self.dp[...] = self.total
        return self.dp


@dataclass(frozen=True, kw_only=True)
class KeepingLoss(SumOfSquaredErrors):
    """Its gradient is added to the last one."""

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchSSE:
        return KeepingLossPass(shape, empty, replicas)


class KeepingUpdate(ScratchSGD):
    """A momentum that is in no state."""

    def state(self) -> dict[str, Array]:
        return {}

    def load(self, state: Mapping[str, Array]) -> None:
        """Nothing is loaded: that is the mistake."""


@dataclass(frozen=True, kw_only=True)
class KeepingSGD(SGD):
    def scratch(self, parameters: Array, gradients: Array) -> ScratchSGD:
        return KeepingUpdate(replace(self, momentum=0.9), parameters, gradients)


def of_layer(kind: type[Linear], dtype: str) -> Setup:
    """The second of two linear layers is of that kind."""
    setup = make_setup("architecture.hidden=[3]", "batch_size=10", f"dtype={dtype}")
    places = setup.problem.network.places
    last = {f.name: getattr(places[-1].layer, f.name) for f in fields(places[-1].layer)}
    layers = [*((place.name, place.layer) for place in places[:-1]), (places[-1].name, kind(**last))]
    network = build_network(layers, places[0].input_shape)
    return replace(setup, problem=replace(setup.problem, network=network))


def verdict(setup: Setup) -> RunVerdict:
    return kept(setup)[0].verdict


def assert_told(found: RunVerdict) -> None:
    assert found.verdict == "mismatch", found
    assert found.first is not None
    assert "keeps something between calls" in found.first.finding


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_that_is_never_cleared_is_told(dtype: str) -> None:
    """The library itself is at fault: its noisy runs would show the sum of all steps, and call that rounding."""
    assert_told(verdict(of_layer(Accumulating, dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_loss_that_keeps_its_gradient_is_told(dtype: str) -> None:
    setup = make_setup("batch_size=10", f"dtype={dtype}")
    assert_told(verdict(replace(setup, problem=replace(setup.problem, loss=KeepingLoss()))))


def test_a_momentum_that_is_in_no_state_is_told() -> None:
    setup = make_setup("batch_size=10", "dtype=float64")
    plain = {f.name: getattr(setup.problem.optimizer, f.name) for f in fields(SGD)}
    assert_told(verdict(replace(setup, problem=replace(setup.problem, optimizer=KeepingSGD(**plain)))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_pass_never_writes_is_no_number(dtype: str) -> None:
    """And not what lay in memory by chance, which may be the right number from before."""
    found = verdict(of_layer(Forgetting, dtype))
    assert found.verdict == "diverged"
    assert found.first is not None
    assert found.first.finding == "only scratch is not finite"
    assert found.first.tensor == "hidden_layer_1.weight"
