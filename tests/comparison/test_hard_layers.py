"""Our own layers and losses where they are hard to judge, against plain functions and mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from runner.layers.base import Buffers
from runner.losses.mse import MeanOfSquaredErrors
from runner.losses.sse import SumOfSquaredErrors
from tests.comparison.hard_functions import SEED, backwards, dense, draw, tenths
from tests.comparison.plain import Function, Parameters, judge, largest, like, told
from tests.layers.helpers import make_layer


def of_layer(name: str, **keys: Any) -> Function:
    """A layer's own pass as a function: output, and gradients of the input and of its parameters, for the delta y."""
    layer = make_layer(name, keys)

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        gradients = {key: like(x, value.shape) for key, value in p.items() if key != "shift"}
        parameters = {key: p[key] for key in gradients}
        made = layer.scratch(Buffers(x.shape, parameters, gradients, lambda shape: like(x, shape), True))
        z = like(x, x.shape)
        np.add(x, p.get("shift", 0), out=z)
        output = np.copy(made.forward(z))
        return {"output": output, "input": made.backward(y), **gradients}

    return function


def of_loss(loss: SumOfSquaredErrors | MeanOfSquaredErrors) -> Function:
    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        prediction = like(x, y.shape)
        np.matmul(x, p["weight"].T, out=prediction)
        made = loss.scratch(y.shape, lambda shape: like(x, shape))
        value = np.copy(made.forward(prediction, y))
        return {"weight": made.backward().T @ x, "loss": value}

    return function


def plain_loss(factor: Callable[[Any], float]) -> Function:
    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        r = backwards(x, p["weight"]) - y
        return {"weight": backwards((2 * factor(r) * r).T, x.T), "loss": (r * r).sum() * factor(r)}

    return function


def plain_linear(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
    return {
        "output": backwards(x, p["weight"]) + p["bias"],
        "input": backwards(y, p["weight"].T),
        "weight": backwards(y.T, x.T),
        "bias": y[::-1].sum(axis=0),
    }


def plain_elementwise(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Function:
    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        z = x + p["shift"]
        return {"output": value(z), "input": y * slope(z)}

    return function


def stable_sigmoid(z: Any) -> Any:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


X, DELTA = draw(9, 5), draw(9, 3, seed=8)
LINEAR = {"weight": draw(3, 5, seed=9), "bias": draw(3, seed=10)}
TERMS = np.array([1.0, -1.0, 1e8, -1e8, 1e-8])
"""Sums of these cancel, where the weights are alike."""
NO_SHIFT, WIDE = {"shift": np.zeros(6)}, np.linspace(-800, 800, 54).reshape(9, 6)
SATURATED, DELTAS = np.linspace(-30, 30, 54).reshape(9, 6), draw(9, 6, seed=11)
ZERO_ROWS = draw(9, 6) * (np.arange(9) % 3 > 0)[:, None]
MINIMUM = {"weight": draw(3, 5, seed=9)}

SSE, MSE = of_loss(SumOfSquaredErrors()), of_loss(MeanOfSquaredErrors(reduction="mean"))
PLAIN_SSE, PLAIN_MSE = plain_loss(lambda r: 1.0), plain_loss(lambda r: 1 / r.size)
SLOPES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda z: stable_sigmoid(z) * stable_sigmoid(-z),
    "tanh": lambda z: 1 / np.square(np.cosh(z)),
}
SIGMOID = plain_elementwise(stable_sigmoid, SLOPES["sigmoid"])
TANH = plain_elementwise(np.tanh, SLOPES["tanh"])
RELU = plain_elementwise(lambda z: np.where(z > 0, z, 0), lambda z: z >= 0)

Case = tuple[Function, Function, dict[str, Array], Array, Array, str]
# fmt: off
CASES: dict[str, Case] = {
    "linear": (plain_linear, of_layer("linear", out=3), LINEAR, X, DELTA, "weight"),
    "linear on tenths": (plain_linear, of_layer("linear", out=3), {"weight": tenths(3, 5), "bias": tenths(3)},
                         tenths(9, 5, seed=12), DELTA, "weight"),
    "linear whose sums cancel": (plain_linear, of_layer("linear", out=3), {**LINEAR, "weight": np.ones((3, 5))},
                                 TERMS * np.ones((9, 1)), DELTA, "input"),
    "sigmoid": (SIGMOID, of_layer("sigmoid"), NO_SHIFT, draw(9, 6), DELTAS, "input"),
    "a saturated sigmoid": (SIGMOID, of_layer("sigmoid"), NO_SHIFT, SATURATED, DELTAS, "input"),
    "a sigmoid of 800": (SIGMOID, of_layer("sigmoid"), NO_SHIFT, WIDE, DELTAS, "output"),
    "tanh": (TANH, of_layer("tanh"), NO_SHIFT, draw(9, 6), DELTAS, "input"),
    "a saturated tanh": (TANH, of_layer("tanh"), NO_SHIFT, SATURATED / 3, DELTAS, "input"),
    "a tanh of small arguments": (TANH, of_layer("tanh"), NO_SHIFT, 1e-9 * draw(9, 6), DELTAS, "input"),
    "relu": (RELU, of_layer("relu"), {"shift": draw(6)}, draw(9, 6), DELTAS, "input"),
    "relu at rows of zeros": (RELU, of_layer("relu"), NO_SHIFT, ZERO_ROWS, DELTAS, "input"),
    "sse": (PLAIN_SSE, SSE, MINIMUM, X, DELTA, "weight"),
    "mse": (PLAIN_MSE, MSE, MINIMUM, X, DELTA, "weight"),
    "sse at its minimum": (PLAIN_SSE, SSE, MINIMUM, X, dense(X, MINIMUM["weight"]) * (1 + 2.0**-52), "weight"),
    "mse at its minimum": (PLAIN_MSE, MSE, MINIMUM, X, dense(X, MINIMUM["weight"]) * (1 + 2.0**-52), "weight"),
}
# fmt: on


MISTAKES: dict[str, Callable[[Array, Array, float], Array]] = {
    "one element by a little": lambda value, picked, small: value * (1 + small * picked),
    "all by a little": lambda value, picked, small: value * (1 + small),
    "half of it": lambda value, picked, small: value / 2,
    "the last sample or row left out": lambda value, picked, small: np.concatenate([value[:-1], 0 * value[-1:]]),
}


OTHERWISE = {"a sigmoid of 800": "exp(-z) overflows beyond 709, where the sigmoid is not 0 yet"}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_or_loss_agrees_with_a_plain_function(name: str, request: pytest.FixtureRequest) -> None:
    if name in OTHERWISE:
        request.applymarker(pytest.mark.xfail(strict=True, reason=OTHERWISE[name]))
    user, library, p, x, y, _ = CASES[name]
    judged = judge(user, library, p, x, y)
    assert judged.verdict == "agree", (SEED, told(judged))


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_the_plain_function_is_found(name: str, mistake: str) -> None:
    user, library, parameters, inputs, delta, tensor = CASES[name]

    small = 1e-5 if "minimum" in name else 1e-9  # beside a minimum, rounding is 1e-10 of the gradient
    with np.errstate(all="ignore"):
        at = largest(user, library, tensor, parameters, inputs, delta)

    def mistaken(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        found = dict(user(p, x, y))
        value = np.array(found[tensor])
        picked = (np.arange(value.size) == at).reshape(value.shape)
        return found | {tensor: MISTAKES[mistake](value, picked, small)}

    judged = judge(mistaken, library, parameters, inputs, delta)
    assert judged.verdict == "mismatch", (SEED, told(judged))
