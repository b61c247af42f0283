"""Conv2d: y = W * x + b, a kernel moved over an image (torch.nn.Conv2d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner.arrays import Shape
from runner.layers.base import Buffers
from runner.layers.convolution import Convolution, ScratchConvolution

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Conv2d(Convolution):
    """Samples are (channels, height, width)."""

    axes: ClassVar[tuple[str, ...]] = ("height", "width")

    def scratch(self, buffers: Buffers) -> ScratchConv2d:
        return ScratchConv2d(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        self.hush_torch()
        return torch.nn.Conv2d(input_shape[0], self.out_channels, **self.arguments(input_shape))


class ScratchConv2d(ScratchConvolution):
    """x and dx (*replicas, batch, in, height, width), W (out, in / groups, kernel height, kernel width), b (out),
    y and delta (*replicas, batch, out, output height, output width).

    X[c k l, i j] = x[c, i stride + k dilation - padding, j stride + l dilation - padding], 0 outside the image.
    y = W X + b;  dW = the sum of delta X^T over the batch;  db = the sum of delta over batch, i and j.
    dX = W^T delta;  dx[c, m, n] = the sum of dX[c k l, i j] over all k, l, i, j that read x[c, m, n].

    W is read as a matrix (out, in / groups k l), y and delta as (out, i j); each group of channels has its own.

    Derived in docs/derivations/conv2d.md.
    """
