"""AvgPool2d: y = the average of each window (torch.nn.AvgPool2d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers
from runner.layers.pooling import Pooling2d
from runner.layers.windows import Windows, filled

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AvgPool2d(Pooling2d):
    """``count_include_pad``: whether the zeros of the padding count; ``divisor_override``: what the sums are divided by
    in place of the number of points.
    """

    count_include_pad: bool
    divisor_override: int | None

    def check(self) -> None:
        super().check()
        if self.divisor_override == 0:
            raise ConfigError("divisor_override", 0, "a whole number other than 0, or null")

    def divisors(self, windows: Windows) -> Array:
        """What the sum over each window is divided by, as it broadcasts over (height, width)."""
        if self.divisor_override is not None:
            return np.full((1, 1), float(self.divisor_override))
        counts = []
        axes = zip(windows.image, windows.kernel, windows.stride, windows.before, windows.outputs, strict=True)
        for size, kernel, step, before, outputs in axes:
            start = np.arange(outputs) * step - before
            if self.count_include_pad:
                counts.append(np.minimum(start + kernel, size + before) - start)
            else:
                counts.append(np.minimum(start + kernel, size) - np.maximum(start, 0))
        return np.outer(*counts).astype(float)

    def scratch(self, buffers: Buffers) -> ScratchAvgPool2d:
        windows = self.windows(buffers.sample[1:])
        return ScratchAvgPool2d(buffers, windows, self.divisors(windows))

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.AvgPool2d(
            **self.arguments(),
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
            divisor_override=self.divisor_override,
        )

    def describe(self, input_shape: Shape) -> str:
        return f"AvgPool2d({', '.join(f'{key}={value}' for key, value in self.arguments().items())})"


class ScratchAvgPool2d:
    """x and dx (*replicas, batch, channels, height, width), y and delta (..., channels, output height, output width).

    y[i, j] = the sum of x[i stride + k - padding, j stride + l - padding] over k and l, divided by n[i, j].
    dx[m, n] = the sum of delta[i, j] / n[i, j] over all i, j whose window holds x[m, n].

    n[i, j] is the number of points of the window: those of the padding count or not, those beyond it never.

    Derived in docs/derivations/avg_pool2d.md.
    """

    def __init__(self, buffers: Buffers, windows: Windows, divisors: Array) -> None:
        channels = (*buffers.lead, buffers.sample[0])
        shape = (*channels, *windows.outputs)
        self.y = buffers.empty(shape)
        self.divisors = buffers.empty(divisors.shape)
        self.divisors[...] = divisors
        self.places = list(windows.places())
        self.padded = filled(buffers, (*channels, *windows.padded), 0) if windows.padded != windows.image else None
        self.inside = windows.inside
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None
        if self.dx is None:
            return
        self.share = buffers.empty(shape)
        self.d_padded = self.dx if self.padded is None else buffers.empty(self.padded.shape)
        self.d_inside = self.d_padded[windows.inside]
        self.targets = [self.d_padded[place] for place in self.places]

    def forward(self, x: Array) -> Array:
        y, add = self.y, np.add
        if self.padded is not None:
            self.padded[self.inside] = x
            x = self.padded
        y[...] = x[self.places[0]]
        for place in self.places[1:]:
            add(y, x[place], out=y)
        return np.divide(y, self.divisors, out=y)

    def backward(self, delta: Array) -> Array:
        if self.dx is None:
            return delta
        share, add = np.divide(delta, self.divisors, out=self.share), np.add
        self.d_padded[...] = 0
        for target in self.targets:
            add(target, share, out=target)
        if self.d_padded is not self.dx:
            self.dx[...] = self.d_inside
        return self.dx
