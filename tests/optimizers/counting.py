"""What an update costs: array operations, and calls in Python."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from runner.optimizers.base import Optimizer


class Counting(np.ndarray[Any, Any]):
    """Counts the ufuncs that are called on it."""

    calls = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **kwargs: Any) -> Any:
        Counting.calls += 1
        plain = [i.view(np.ndarray) if isinstance(i, Counting) else i for i in inputs]
        made = tuple(o.view(np.ndarray) if isinstance(o, Counting) else o for o in out)
        getattr(ufunc, method)(*plain, out=made, **kwargs)
        return out[0]


def operations(optimizer: Optimizer, shape: tuple[int, ...], lr: float = 0.05) -> int:
    """How many array operations the third update takes."""
    parameters, gradients = np.ones(shape).view(Counting), np.ones(shape).view(Counting)
    updater = optimizer.scratch(parameters, gradients)
    for _ in range(3):
        Counting.calls = 0
        updater.update(lr)
    return Counting.calls


def python_calls(optimizer: Optimizer, shape: tuple[int, ...]) -> int:
    updater, counted = optimizer.scratch(np.ones(shape, np.float32), np.ones(shape, np.float32)), 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    updater.update(0.05)
    sys.setprofile(count)
    try:
        updater.update(0.05)
    finally:
        sys.setprofile(None)
    return counted
