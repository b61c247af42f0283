"""Mistakes that are easily passed, each beside the right function that must not be called wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from tests.comparison.hard_functions import SEED, alone, backwards, dense, draw, elementwise, relu, sigmoid, two_layers
from tests.comparison.plain import Function, Parameters, judge, told

Change = Callable[[dict[str, Any], Array], Mapping[str, Any]]
"""What a mistake makes of the right tensors; it gets x too."""


def changed(function: Function, change: Change) -> Function:
    return lambda p, x, y: change({name: np.array(value) for name, value in function(p, x, y).items()}, np.array(x))


def of(name: str, by: Callable[[Any], Any]) -> Change:
    return lambda found, x: found | {name: by(found[name])}


def element(name: str, place: tuple[int, ...], factor: float) -> Change:
    def change(found: dict[str, Any], x: Array) -> dict[str, Any]:
        found[name][place] *= factor
        return found

    return change


LAYERS = 80
DEEP = {f"w{i}": 0.48 * draw(4, 4, seed=i) for i in range(LAYERS)}


def deep(product: Callable[[Any, Any], Any]) -> Function:
    """80 sigmoid layers of 4 units: the gradients of the first are 1e-60 or so."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        kept, found = [x], {}
        for i in range(LAYERS):
            kept.append(1 / (1 + np.exp(-product(kept[-1], p[f"w{i}"]))))
        delta = y
        for i in reversed(range(LAYERS)):
            delta = delta * kept[i + 1] * (1 - kept[i + 1])
            found[f"w{i}"] = product(delta.T, kept[i].T)
            delta = product(delta, p[f"w{i}"].T)
        return found

    return function


def linear(product: Callable[[Any, Any], Any]) -> Function:
    return lambda p, x, y: {"w": product(y.T, x.T), "out": product(x, p["w"])}


def narrow(dtype: Any, product: Callable[[Any, Any], Any]) -> Function:
    """tanh of what has passed through a narrower dtype."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        a = np.tanh(product(x, p["w"])).astype(dtype).astype(x.dtype)
        return {"w": product((y * (1 - a * a)).T, x.T), "out": a}

    return function


def crossentropy(by: Callable[[Any, Any], Any]) -> Function:
    """Binary cross-entropy of a sigmoid; labels are y > 0."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        dz = by(x * p["w"], (np.asarray(y) > 0) * 1.0)
        return {"x": dz, "w": (dz * x).sum(axis=0)}

    return function


def quotient_slope(at_zero: float) -> Callable[[Any], Any]:
    """The slope of expm1(z) / z."""

    def slope(z: Any) -> Any:
        zero = np.asarray(z) == 0
        safe = np.where(zero, 1.0, z)
        return np.where(zero, at_zero, (safe * np.exp(safe) - np.expm1(safe)) / (safe * safe))

    return slope


def quotient(z: Any) -> Any:
    safe = np.where(np.asarray(z) == 0, 1.0, z)
    return np.where(np.asarray(z) == 0, 1.0, np.expm1(safe) / safe)


def recurrence(product: Callable[[Any, Any], Any]) -> Function:
    """200 steps of h = tanh(5 W h)."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        states, delta, dw = [x], y, 0.0
        for _ in range(200):
            states.append(np.tanh(product(states[-1], 5 * p["w"])))
        for before, after in zip(states[-2::-1], states[:0:-1], strict=True):
            delta = delta * (1 - after * after)
            dw = dw + 5 * product(delta.T, before.T)
            delta = product(delta, 5 * p["w"].T)
        return {"w": dw}

    return function


SMALL_COLUMN = draw(9, 5) * np.array([1.0, 1.0, 1e-16, 1.0, 1.0])
ZERO_ROWS = draw(12, 4, seed=4) * (np.arange(12) % 3 > 0)[:, None]
W1 = {"w1": draw(6, 4, seed=1), "b1": draw(6, seed=2), "w2": draw(3, 6, seed=3)}
CORNERS = {"w": np.array([0.0, 0.5, -1.0, 0.0, 2.0])}
Z = np.linspace(-40, 40, 60).reshape(10, 6)
Point = tuple[Mapping[str, Array], Array, Array]
RELU_POINT: Point = (W1, ZERO_ROWS, draw(12, 3, seed=5))
CORNER_POINT: Point = (CORNERS, draw(1), draw(5))
BCE_POINT: Point = ({"w": np.ones(6)}, Z, draw(10, 6))
CAST_POINT: Point = ({"w": draw(3, 4)}, draw(8, 4), draw(8, 3))
CE = crossentropy(lambda z, t: sigmoid(z) - t)
NET = two_layers(dense, lambda z: z > 0, relu)


def zero_rows_dropped(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
    """The gradient of a bias without the samples that are all zeros."""
    some = (np.asarray(x) != 0).any(axis=1)
    return dict(NET(p, x, y)) | {"b1": NET(p, x[some], y[some])["b1"]}


def lossy(z: Any) -> Any:
    return np.float64(1) * (np.asarray(z) + 4096.0 - 4096.0).astype(np.float32)


MISTAKES: dict[str, tuple[Function, Function, Point]] = {
    "all of the first of 80 layers by 1e-9": (
        changed(deep(backwards), of("w0", lambda v: v * (1 + 1e-9))), deep(dense), (DEEP, draw(6, 4), draw(6, 4))),
    "one element of the first of 80 layers": (
        changed(deep(backwards), element("w0", (1, 2), 1 + 1e-6)), deep(dense), (DEEP, draw(6, 4), draw(6, 4))),
    "the sign of the first of 80 layers": (
        changed(deep(backwards), of("w0", np.negative)), deep(dense), (DEEP, draw(6, 4), draw(6, 4))),
    "an element of 1e-16 of its neighbours by 1e-6": (
        changed(linear(backwards), element("w", (1, 2), 1 + 1e-6)), linear(dense),
        ({"w": draw(3, 5)}, SMALL_COLUMN, draw(9, 3))),
    "an element of 1e-16 of its neighbours twice": (
        changed(linear(backwards), element("w", (1, 2), 2)), linear(dense),
        ({"w": draw(3, 5)}, SMALL_COLUMN, draw(9, 3))),
    "rows of zeros left out of a bias": (zero_rows_dropped, NET, RELU_POINT),
    "a slope of 5 at ties of abs": (
        alone(np.abs, lambda z: np.sign(z) + 5 * (z == 0)), alone(np.abs, np.sign), CORNER_POINT),
    "a slope of 5 at zeros among the inputs": (
        elementwise(np.abs, lambda z: np.sign(z) + 5 * (z == 0)), elementwise(np.abs, np.sign),
        ({"w": draw(4)}, ZERO_ROWS, draw(12, 4))),
    "a factor of 1.01 behind float32": (
        changed(narrow(np.float32, backwards), of("w", lambda v: 1.01 * v)), narrow(np.float32, dense), CAST_POINT),
    "a missing slope behind float32": (
        lambda p, x, y: {**narrow(np.float32, dense)(p, x, y), "w": y.T @ x}, narrow(np.float32, dense), CAST_POINT),
    "a factor of 2 behind float16": (
        changed(narrow(np.float16, backwards), of("w", lambda v: 2 * v)), narrow(np.float16, dense), CAST_POINT),
    "an element behind float16": (
        changed(narrow(np.float16, backwards), element("w", (1, 2), 1.1)), narrow(np.float16, dense), CAST_POINT),
    "a factor of 1.01 in noisy arithmetic": (
        elementwise(lambda z: sigmoid(lossy(z)), lambda z: 1.01 * sigmoid(lossy(z)) * (1 - sigmoid(z))),
        elementwise(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))), ({"w": draw(4)}, draw(12, 4), draw(12, 4))),
    "cross-entropy with the sigmoid's slope left in": (
        crossentropy(lambda z, t: (sigmoid(z) - t) * sigmoid(z) * (1 - sigmoid(z))), CE, BCE_POINT),
    "cross-entropy with its outputs clipped": (
        crossentropy(lambda z, t: np.clip(sigmoid(z), 1e-7, 1 - 1e-7) - t), CE, BCE_POINT),
    "cross-entropy without the saturated": (
        crossentropy(lambda z, t: (sigmoid(z) - t) * (np.abs(z) < 30)), CE, BCE_POINT),
    "the slope of expm1(z) / z at 0": (
        alone(quotient, quotient_slope(0.0)), alone(quotient, quotient_slope(0.5)), CORNER_POINT),
    "the slope of expm1(z) / z at inputs of 0": (
        elementwise(quotient, quotient_slope(0.0)), elementwise(quotient, quotient_slope(0.5)),
        ({"w": draw(4)}, ZERO_ROWS, draw(12, 4))),
}  # fmt: skip

RIGHT: dict[str, tuple[Function, Function, Point]] = {
    "80 layers": (deep(backwards), deep(dense), (DEEP, draw(6, 4), draw(6, 4))),
    "a small column": (linear(backwards), linear(dense), ({"w": draw(3, 5)}, SMALL_COLUMN, draw(9, 3))),
    "rows of zeros": (two_layers(backwards, lambda z: z > 0, relu), NET, RELU_POINT),
    "float32": (narrow(np.float32, backwards), narrow(np.float32, dense), CAST_POINT),
    "float16": (narrow(np.float16, backwards), narrow(np.float16, dense), CAST_POINT),
    "cross-entropy": (
        crossentropy(lambda z, t: sigmoid(z) * (1 - t) - sigmoid(-z) * t), CE, BCE_POINT),
    "the slope of expm1(z) / z": (
        alone(quotient, lambda z: (np.exp(z) - quotient(z)) / np.where(z == 0, 1.0, z) + 0.5 * (z == 0)),
        alone(quotient, quotient_slope(0.5)), CORNER_POINT),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_what_the_mistakes_are_made_in_agrees(name: str) -> None:
    user, library, point = RIGHT[name]
    judged = judge(user, library, *point)
    assert judged.verdict == "agree", (SEED, told(judged))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_that_is_easily_passed_is_found(name: str) -> None:
    user, library, point = MISTAKES[name]
    judged = judge(user, library, *point)
    assert judged.verdict == "mismatch", (SEED, told(judged))


def test_the_gradients_of_the_first_of_80_layers_are_tiny() -> None:
    size = np.abs(deep(dense)(DEEP, draw(6, 4), draw(6, 4))["w0"]).max()
    assert 1e-75 < size < 1e-50, SEED


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_chaotic_recurrence_is_undecided_and_says_why(factor: float) -> None:
    right = recurrence(backwards)
    user = changed(right, of("w", lambda v: factor * v))
    judged = judge(user, recurrence(dense), {"w": draw(16, 16) / 4}, draw(3, 16), draw(3, 16))
    assert judged.verdict == "undecided", (SEED, told(judged))
    assert "rounding swallows the gradient" in judged.finding
