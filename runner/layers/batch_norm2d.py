"""BatchNorm2d: each channel to mean 0 and variance 1 over the batch and the image (torch.nn.BatchNorm2d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner.arrays import Shape
from runner.layers.base import Buffers
from runner.layers.batch_norm import BatchNorm, ScratchBatchNorm

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class BatchNorm2d(BatchNorm):
    """Samples are (channels, height, width)."""

    fits: ClassVar[dict[int, str]] = {3: "3 axes (channels, height, width)"}

    def scratch(self, buffers: Buffers) -> ScratchBatchNorm2d:
        return ScratchBatchNorm2d(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.BatchNorm2d(input_shape[0], self.eps, self.momentum, self.affine, self.track_running_stats)


class ScratchBatchNorm2d(ScratchBatchNorm):
    """x, xhat, y, delta and dx (*replicas, batch, channels, height, width); W, b, mean, var
    and rstd (channels). Sums and means are over the batch and the image, n values a channel.

    mean = sum(x) / n;  var = sum((x - mean)^2) / n;  rstd = 1 / sqrt(var + eps).
    xhat = (x - mean) rstd;  y = W xhat + b.
    running_mean = (1 - momentum) running_mean + momentum mean.
    running_var = (1 - momentum) running_var + momentum var n / (n - 1).
    db = sum(delta);  dW = sum(delta xhat).
    dx = W rstd (delta - mean(delta) - xhat mean(delta xhat)).

    In evaluation mode, where mean and var are the running ones and constants:
    dx = W rstd delta.

    Derived in docs/derivations/batch_norm2d.md.
    """
