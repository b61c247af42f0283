"""Functions that are hard to judge, each in more than one way of computing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from runner.arrays import Array
from tests.comparison.plain import Function, Parameters

SEED = 7


def draw(*shape: int, seed: int = SEED) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def tenths(*shape: int, seed: int = SEED) -> Array:
    return np.random.default_rng(seed).integers(-5, 6, shape) / 10


def backwards(x: Any, w: Any) -> Any:
    """x w^T, summed from the last term to the first, one after the other."""
    total = x[:, -1:] * w[:, -1]
    for i in range(x.shape[1] - 2, -1, -1):
        total = total + x[:, i : i + 1] * w[:, i]
    return total


def dense(x: Any, w: Any) -> Any:
    return x @ w.T


def two_layers(product: Callable[[Any, Any], Any], slope: Callable[[Any], Any], f: Callable[[Any], Any]) -> Function:
    """W2 f(W1 x + b1), and its gradients for the delta y."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        z = product(x, p["w1"]) + p["b1"]
        a = f(z)
        dz = product(y, p["w2"].T) * slope(z)
        return {"w1": product(dz.T, x.T), "b1": dz.sum(axis=0), "w2": product(y.T, a.T), "out": product(a, p["w2"])}

    return function


def relu_case(drawn: Callable[..., Array], zero_rows: bool) -> tuple[dict[str, Array], Array, Array]:
    p = {"w1": drawn(6, 4, seed=1), "b1": drawn(6, seed=2), "w2": drawn(3, 6, seed=3)}
    x, y = drawn(12, 4, seed=4), draw(12, 3, seed=5)
    if zero_rows:
        x[::4], p["b1"] = 0, np.zeros(6)
    return p, x, y


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def elementwise(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Function:
    """f(w x) and its gradient for the delta y."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        z = x * p["w"]
        dz = y * slope(z)
        return {"out": value(z), "x": dz * p["w"], "w": (dz * x).sum(axis=0)}

    return function


def alone(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Function:
    """f(w) and its gradient for the delta y."""
    return lambda p, x, y: {"out": value(p["w"]), "w": y * slope(p["w"])}


def pooled(last: bool) -> Function:
    """Maximum of every four of w x; the gradient goes to the first, or to the last, of those that tie."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        z = (x * p["w"]).reshape(len(x), -1, 4)
        at = 3 - np.argmax(z[..., ::-1], axis=-1) if last else np.argmax(z, axis=-1)
        dz = (np.arange(4) == np.asarray(at)[..., None]) * y[..., None]
        return {"out": z.max(axis=-1), "w": (dz.reshape(x.shape) * x).sum(axis=0)}

    return function


def on_grid(product: Callable[[Any, Any], Any], divided: bool = False) -> Function:
    """Weights rounded to tenths on the way forward; the gradient goes straight through."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        w = np.rint(p["w"] / 0.1) * 0.1 if divided else np.rint(p["w"] * 10) / 10
        return {"out": product(x, w), "w": product(y.T, x.T), "x": product(y, w.T)}

    return function


def stable_slope(z: Any) -> Any:
    e = np.exp(-np.abs(z))
    return e / np.square(1 + e)


def sigmoid(z: Any) -> Any:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_case(subtracted: bool) -> Function:
    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        z = x * p["w"]
        s = softmax(z)
        dz = s * (y - (s * y).sum(axis=-1, keepdims=True)) if subtracted else s * y - s * np.vecdot(s, y)[..., None]
        return {"s": s, "w": (dz * x).sum(axis=0), "x": dz * p["w"]}

    return function


def log_softmax_case(by_log: bool) -> Function:
    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        z = x * p["w"]
        shifted = z - z.max(axis=-1, keepdims=True)
        s = softmax(z)
        log = np.log(s) if by_log else shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        dz = y - s * y.sum(axis=-1, keepdims=True)
        return {"log": log, "w": (dz * x).sum(axis=0)}

    return function


def layer_norm(by_squares: bool) -> Function:
    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        m = x.mean(axis=-1, keepdims=True)
        variance = (x * x).mean(axis=-1, keepdims=True) - m * m if by_squares else x.var(axis=-1, keepdims=True)
        r = 1 / np.sqrt(variance + 1e-5)
        n = (x - m) * r
        dn = y * p["w"]
        dx = r * (dn - dn.mean(axis=-1, keepdims=True) - n * (dn * n).mean(axis=-1, keepdims=True))
        return {"out": n * p["w"], "w": (y * n).sum(axis=0), "x": dx}

    return function


def through_subnormals(first: str) -> Function:
    """A product that is scaled to 1e-317, where six digits are left, and up again; what is scaled first differs."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        small = {"w": (p["w"] * 1e-317) * y, "y": (y * 1e-317) * p["w"], "both": (y * p["w"]) * 1e-317}[first]
        return {"x": small * 1e158 * 1e158, "w": (small * 1e158 * x).sum(axis=0) * 1e158}

    return function


def looped(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
    total = 0.0
    for a, b in zip(np.asarray(x).tolist(), np.asarray(y).tolist(), strict=True):
        total += a * b
    return {"w": np.array([total]) * p["w"]}


def summed(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
    return {"w": (x * y).sum(keepdims=True) * p["w"]}


def checkpointed(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
    """The forward pass is done again for each gradient."""
    tanh = np.tanh
    return {
        "w2": dense(y.T, tanh(dense(x, p["w1"])).T),
        "w1": dense((dense(y, p["w2"].T) * (1 - np.square(tanh(dense(x, p["w1"]))))).T, x.T),
    }


def remembered(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
    a = np.tanh(backwards(x, p["w1"]))
    return {"w2": backwards(y.T, a.T), "w1": backwards((backwards(y, p["w2"].T) * (1 - a * a)).T, x.T)}


def masked(product: Callable[[Any, Any], Any]) -> Function:
    """The gradient goes where one computed value exceeds another; on tenths, many are equal."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        a, b = product(x, p["w"]), product(x, p["v"])
        mask = np.asarray(a) > np.asarray(b)
        return {
            "out": np.where(mask, a, b),
            "w": product((y * mask).T, x.T),
            "v": product((y * ~mask).T, x.T),
        }

    return function


def looked_up(divided: bool, whole: Callable[[Any], Any]) -> Function:
    """Rows of w by the tenths of x: 0.3 / 0.1 is below 3, 0.3 * 10 is 3."""

    def function(p: Parameters, x: Any, y: Any) -> dict[str, Any]:
        at = whole(np.asarray(x / 0.1 if divided else x * 10)).astype(int)
        w = np.zeros_like(p["w"])
        np.add.at(w, at, y)
        return {"w": w, "out": p["w"][at]}

    return function
