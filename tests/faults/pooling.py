"""Mistakes in pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.layers.adaptive_avg_pool2d import AdaptiveAvgPool2d
from runner.layers.avg_pool2d import AvgPool2d
from runner.layers.base import Buffers, Layer, Pass
from runner.layers.max_pool2d import MaxPool2d
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import OtherKeys, WrongPass


class MaxPoolFirstOfWindow(WrongBackward):
    """The gradient goes to the first point of each window, not to the largest."""

    kind = MaxPool2d

    def spoil(self, t: Site) -> Array:
        return _put(t, lambda k: t.delta if k == 0 else 0 * t.delta)


class MaxPoolShared(WrongBackward):
    """The gradient is shared out among all points of a window, as for an average."""

    kind = MaxPool2d

    def spoil(self, t: Site) -> Array:
        return _put(t, lambda k: t.delta / len(t.own.places))


class MaxPoolOverwritten(WrongBackward):
    """Where windows overlap, the gradient of one is written over that of another."""

    kind = MaxPool2d

    def spoil(self, t: Site) -> Array:
        dx = np.zeros_like(t.x)
        for k, place in enumerate(t.own.places):
            part = dx[place]
            dx[place] = np.where(t.own.which == k, t.delta, part)
        return dx


def _put(t: Site, share: Any) -> Array:
    """dx, put together from what each point of a window gets."""
    dx = np.zeros_like(t.x)
    for k, place in enumerate(t.own.places):
        dx[place] += share(k)
    return dx


class AvgPoolNotDivided(WrongBackward):
    """The gradient is copied to every point of a window, not divided by their number."""

    kind = AvgPool2d

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.dx * t.own.divisors.max())


class AvgPoolPaddingNotCounted(OtherKeys):
    """The zeros of the padding do not count as points."""

    kind = AvgPool2d

    def other(self, layer: AvgPool2d) -> Layer:
        return replace(layer, count_include_pad=False)


class _PartsCutShort:
    """Parts that end at floor((i + 1) size / outputs), in place of the ceiling."""

    def __init__(self, own: Any) -> None:
        self.own = own
        for name in ("p", "q"):
            old = getattr(own, name)
            outputs, size = old.shape
            part, point = np.arange(outputs)[:, None], np.arange(size)
            inside = (part * size // outputs <= point) & (point < (part + 1) * size // outputs)
            old[...] = inside / inside.sum(axis=1, keepdims=True)

    def forward(self, x: Array) -> Array:
        return np.asarray(self.own.forward(x))

    def backward(self, delta: Array) -> Array:
        return np.asarray(self.own.backward(delta))


class AdaptivePoolCutShort(WrongPass):
    """Parts that should overlap end where the next one begins."""

    kind = AdaptiveAvgPool2d

    def wrong(self, layer: AdaptiveAvgPool2d, buffers: Buffers) -> Pass:
        return _PartsCutShort(layer.scratch(buffers))


class AdaptivePoolEvenShare(WrongBackward):
    """Every point gets the same share of its part, whatever the part's size."""

    kind = AdaptiveAvgPool2d

    def spoil(self, t: Site) -> Array:
        rows, columns = t.own.p > 0, t.own.q > 0
        shares = np.prod(t.delta.shape[-2:]) / np.prod(t.x.shape[-2:])
        return np.asarray(rows.T.astype(t.x.dtype) @ t.delta @ columns.astype(t.x.dtype) * shares.astype(t.x.dtype))
