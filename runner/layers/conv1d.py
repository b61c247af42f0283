"""Conv1d: y = W * x + b, a kernel moved along a sequence (torch.nn.Conv1d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner.arrays import Shape
from runner.layers.base import Buffers
from runner.layers.convolution import Convolution, ScratchConvolution

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Conv1d(Convolution):
    """Samples are (channels, length)."""

    axes: ClassVar[tuple[str, ...]] = ("length",)

    def scratch(self, buffers: Buffers) -> ScratchConv1d:
        return ScratchConv1d(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        self.hush_torch()
        return torch.nn.Conv1d(input_shape[0], self.out_channels, **self.arguments(input_shape))


class ScratchConv1d(ScratchConvolution):
    """x and dx (*replicas, batch, in, length), W (out, in / groups, kernel), b (out),
    y and delta (*replicas, batch, out, output length).

    X[c k, i] = x[c, i stride + k dilation - padding], 0 outside the sequence.
    y = W X + b;  dW = the sum of delta X^T over the batch;  db = the sum of delta over batch and i.
    dX = W^T delta;  dx[c, m] = the sum of dX[c k, i] over all k, i that read x[c, m].

    W is read as a matrix (out, in / groups k); each group of channels has its own.

    Derived in docs/derivations/conv1d.md.
    """
