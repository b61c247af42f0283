"""Both backends for a stack: each replica's step and update are those of the backend for one run."""

from __future__ import annotations

import numpy as np
import pytest

from runner.arrays import Array
from runner.backends.base import BackendChoice, Problem, State
from runner.backends.scratch import Scratch
from runner.backends.torch import EAGER
from runner.layers.base import Layer
from runner.losses.base import Loss
from runner.losses.sse import SumOfSquaredErrors
from runner.network import build_network
from runner.optimizers.sgd import PLAIN
from runner.stacked.slices import state_of
from tests.layers.example import Example
from tests.layers.helpers import make_layer
from tests.layers.test_layers import every_layer
from tests.layers.test_verdict import Input
from tests.losses.helpers import VARIANTS, Variant

REPLICAS, BATCH, DOUBLE = 2, 4, np.dtype(np.float64)


def assert_like_alone(choice: BackendChoice, problem: Problem, x: Array, y: Array, training: bool = True) -> None:
    """A step and an update of all, and of each alone."""
    rng, network = np.random.default_rng(1), problem.network
    parameters = {name: rng.standard_normal((REPLICAS, *p.shape)) for name, p in network.parameters.items()}
    buffers = {name: np.stack([value] * REPLICAS) for name, value in network.buffers.items()}
    draws = {name: np.stack([mask.draw(rng, BATCH) for _ in x]) for name, mask in network.masks.items()}
    state = State(parameters, buffers)
    stack = choice.make_stacked("stack", problem, DOUBLE, REPLICAS)
    stack.load(state)
    steps = stack.step(x, y, draws=draws, training=training)
    for k in range(REPLICAS):
        alone = choice.make("alone", problem, DOUBLE)
        alone.load(state_of(state, k))
        step = alone.step(x[k], y[k], draws={name: mask[k] for name, mask in draws.items()}, training=training)
        close(steps.loss[k], step.loss)
        close(steps.prediction[k], step.prediction)
        for name, gradient in step.gradients.items():
            close(steps.gradients[name][k], gradient)
        for name, value in alone.state().buffers.items():
            close(stack.state().buffers[name][k], value)
    stack.update()
    for name, value in stack.state().parameters.items():
        close(value, parameters[name] - problem.lr * steps.gradients[name])


def close(a: Array, b: Array) -> None:
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def alone_behind_its_input(name: str, layer: Layer, example: Example) -> tuple[Problem, Array, Array]:
    """The layer's problem, whose input is a parameter where it can have a gradient; x and y of a stack."""
    rng = np.random.default_rng(0)
    lead = (REPLICAS, BATCH)
    if example.vocabulary:
        network = build_network([("layer", layer)], example.shape)
        x: Array = rng.integers(0, example.vocabulary, (*lead, *example.shape))
    else:
        first = Input(name="input", batch=BATCH, sample=example.shape)
        network = build_network([("input", first), ("layer", layer)], (1,))
        x = np.zeros((*lead, 1))
    y = rng.standard_normal((*lead, *network.output_shape))
    return Problem(network, SumOfSquaredErrors(), PLAIN, lr=0.1), x, y


@every_layer
def test_torch_computes_every_layer_of_every_replica(name: str, example: Example) -> None:
    layer = make_layer(name, example.keys)
    problem, x, y = alone_behind_its_input(name, layer, example)
    differs = problem.network.buffers or problem.network.masks or name == "multi_head_attention"
    for training in (True, False) if differs else (True,):
        assert_like_alone(EAGER, problem, x, y, training)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_torch_computes_every_loss_of_every_replica(variant: Variant) -> None:
    loss: Loss = variant.loss()
    p, y = variant.draw(1, "float64", BATCH, (REPLICAS,))
    network = build_network([("input", Input(name="input", batch=BATCH, sample=p.shape[2:]))], (1,))
    problem = Problem(network, loss, PLAIN, lr=0.1)
    stack = EAGER.make_stacked("stack", problem, DOUBLE, REPLICAS)
    stack.load(State({"input.value": p}))
    found = stack.step(np.zeros((REPLICAS, BATCH, 1)), y, draws={})
    for k in range(REPLICAS):
        alone = EAGER.make("alone", problem, DOUBLE)
        alone.load(State({"input.value": p[k]}))
        step = alone.step(np.zeros((BATCH, 1)), y[k], draws={})
        close(found.loss[k], step.loss)
        close(found.gradients["input.value"][k], step.gradients["input.value"])


@pytest.mark.parametrize("choice", [Scratch(), EAGER])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_a_perceptron_of_every_replica(choice: BackendChoice, activation: str) -> None:
    layers = [("linear", {"out": 10}), (activation, {}), ("linear", {"out": 1})]
    network = build_network([(f"l{i}", make_layer(*layer)) for i, layer in enumerate(layers)], (2,))
    rng = np.random.default_rng(2)
    x, y = rng.random((REPLICAS, BATCH, 2)), rng.random((REPLICAS, BATCH, 1))
    assert_like_alone(choice, Problem(network, SumOfSquaredErrors(), PLAIN, lr=0.1), x, y)
