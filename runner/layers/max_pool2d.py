"""MaxPool2d: y = the largest value of each window (torch.nn.MaxPool2d)."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.base import Buffers
from runner.layers.pooling import AXES, Pooling2d
from runner.layers.windows import Windows, as_torch_has_it, check_per_axis, filled, per_axis

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class MaxPool2d(Pooling2d):
    """``dilation``: points from one of a window's points to the next, one number or one for each axis."""

    dilation: Any

    def check(self) -> None:
        super().check()
        check_per_axis("dilation", self.dilation, AXES, 1)

    def dilations(self) -> Shape:
        return per_axis(self.dilation, AXES)

    def windows(self, image: Shape) -> Windows:
        """The windows over an image; raises ValueError, in words, where one has no point of the image in it.

        (Torch writes past the end of its arrays there.)
        """
        found = super().windows(image)
        axes = zip(image, found.kernel, found.stride, found.dilation, found.before, found.outputs, strict=True)
        for size, kernel, step, gap, before, outputs in axes:
            starts = np.arange(outputs) * step - before
            # a window's first point that does not lie before the image
            first = starts + np.maximum(-(starts // gap), 0) * gap
            if not ((first < size) & (first < starts + kernel * gap)).all():
                raise ValueError("an input that every window has a point of: one lies in the padding or beyond it")
        return found

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"dilation": as_torch_has_it(self.dilation)}

    def scratch(self, buffers: Buffers) -> ScratchMaxPool2d:
        return ScratchMaxPool2d(buffers, self.windows(buffers.sample[1:]))

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.MaxPool2d(**self.arguments(), ceil_mode=self.ceil_mode)

    def describe(self, input_shape: Shape) -> str:
        told = "".join(f"{key}={value}, " for key, value in self.arguments().items())
        return f"MaxPool2d({told}ceil_mode={self.ceil_mode})"


class ScratchMaxPool2d:
    """x and dx (*replicas, batch, channels, height, width), y and delta (..., channels, output height, output width).

    y[i, j] = the largest x[i stride + k dilation - padding, j stride + l dilation - padding] over k and l.
    which[i, j] = the first (k, l) whose x is that large.
    dx[m, n] = the sum of delta[i, j] over all i, j whose first largest is x[m, n].

    Points outside the image are -inf.

    Derived in docs/derivations/max_pool2d.md.
    """

    def __init__(self, buffers: Buffers, windows: Windows) -> None:
        channels, points = (*buffers.lead, buffers.sample[0]), prod(windows.kernel)
        shape = (*channels, *windows.outputs)
        self.y, self.value = buffers.empty(shape), buffers.empty(shape)
        self.larger = np.empty(shape, bool)
        # a product with a mask as numbers is faster than a choice by it
        self.as_number = self.larger.view(np.uint8)
        self.numbers = list(np.arange(points, dtype=np.min_scalar_type(points)))
        self.which, self.candidate = (np.empty(shape, self.numbers[0].dtype) for _ in range(2))
        self.places = list(windows.places())
        self.padded = filled(buffers, (*channels, *windows.padded), -inf) if windows.padded != windows.image else None
        self.inside = windows.inside
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None
        if self.dx is None:
            return
        self.d_padded = self.dx if self.padded is None else buffers.empty(self.padded.shape)
        self.d_inside = self.d_padded[windows.inside]
        self.targets = [self.d_padded[place] for place in self.places]

    def forward(self, x: Array) -> Array:
        y, value, larger, which = self.y, self.value, self.larger, self.which
        greater, maximum, multiply = np.greater, np.maximum, np.multiply
        if self.padded is not None:
            self.padded[self.inside] = x
            x = self.padded
        y[...] = x[self.places[0]]
        which[...] = 0
        for k, place in zip(self.numbers[1:], self.places[1:], strict=True):
            value[...] = x[place]  # what lies side by side is compared faster
            greater(value, y, out=larger)
            multiply(self.as_number, k, out=self.candidate)
            maximum(which, self.candidate, out=which)
            maximum(value, y, out=y)
        return y

    def backward(self, delta: Array) -> Array:
        if self.dx is None:
            return delta
        value, first = self.value, self.larger
        equal, multiply, add = np.equal, np.multiply, np.add
        self.d_padded[...] = 0
        for k, target in zip(self.numbers, self.targets, strict=True):
            equal(self.which, k, out=first)
            multiply(delta, first, out=value)
            add(target, value, out=target)
        if self.d_padded is not self.dx:
            self.dx[...] = self.d_inside
        return self.dx
