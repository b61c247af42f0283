"""AdaptiveAvgPool2d: y = averages of as many parts of the image as are asked for (torch.nn.AdaptiveAvgPool2d)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer
from runner.layers.pooling import AXES, image_of
from runner.layers.windows import as_torch_has_it, check_per_axis, per_axis

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AdaptiveAvgPool2d(Layer):
    """Samples are (channels, height, width); ``output_size``: one number, or a list of one or null (as many as the
    input has) for each axis.
    """

    output_size: Any

    def check(self) -> None:
        numbers = self.output_size
        if isinstance(numbers, list):
            numbers = [1 if n is None else n for n in numbers]
        try:
            check_per_axis("output_size", numbers, AXES, 1, ", either null")
        except ConfigError as error:
            raise ConfigError("output_size", self.output_size, error.allowed) from error

    def output_shape(self, input_shape: Shape) -> Shape:
        wanted = zip(per_axis(self.output_size, AXES), image_of(input_shape), strict=True)
        return (input_shape[0], *(size if n is None else n for n, size in wanted))

    def scratch(self, buffers: Buffers) -> ScratchAdaptiveAvgPool2d:
        return ScratchAdaptiveAvgPool2d(buffers, self.output_shape(buffers.sample)[1:])

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.AdaptiveAvgPool2d(as_torch_has_it(self.output_size))

    def describe(self, input_shape: Shape) -> str:
        return f"AdaptiveAvgPool2d(output_size={as_torch_has_it(self.output_size)})"


class ScratchAdaptiveAvgPool2d:
    """x and dx (*replicas, batch, channels, height, width), y and delta (..., channels, output height, output width).

    y = P x Q^T;  dx = P^T delta Q.

    P (output height, height) and Q (output width, width): row i holds 1 / n at the n points of part i, else 0.

    Derived in docs/derivations/adaptive_avg_pool2d.md.
    """

    def __init__(self, buffers: Buffers, outputs: Shape) -> None:
        height, width = buffers.sample[1:]
        images = prod(buffers.lead) * buffers.sample[0]
        self.p, self.q = (_averages(buffers, n, size) for n, size in zip(outputs, (height, width), strict=True))
        self.rows, self.images = (images * height, width), (images, *outputs)
        self.half = buffers.empty((images, height, outputs[1]))
        self.half_rows = self.half.reshape(-1, outputs[1])
        self.y = buffers.empty((*buffers.lead, buffers.sample[0], *outputs))
        self.y_images = self.y.reshape(self.images)
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None
        self.dx_rows = None if self.dx is None else self.dx.reshape(self.rows)

    def forward(self, x: Array) -> Array:
        np.matmul(x.reshape(self.rows), self.q.mT, out=self.half_rows)
        np.matmul(self.p, self.half, out=self.y_images)
        return self.y

    def backward(self, delta: Array) -> Array:
        if self.dx is None:
            return delta
        np.matmul(self.p.mT, delta.reshape(self.images), out=self.half)
        np.matmul(self.half_rows, self.q, out=self.dx_rows)
        return self.dx


def _averages(buffers: Buffers, outputs: int, size: int) -> Array:
    """The matrix (outputs, size) that averages over parts: part i from floor(i size / outputs) to below
    ceil((i + 1) size / outputs), as torch cuts them.
    """
    part, point = np.arange(outputs)[:, None], np.arange(size)
    start, end = part * size // outputs, -(-(part + 1) * size // outputs)
    made = buffers.empty((outputs, size))
    made[...] = ((start <= point) & (point < end)) / (end - start)
    return made
