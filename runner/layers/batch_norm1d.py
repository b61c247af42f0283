"""BatchNorm1d: each channel to mean 0 and variance 1 over the batch (torch.nn.BatchNorm1d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runner.arrays import Shape
from runner.layers.base import Buffers
from runner.layers.batch_norm import BatchNorm, ScratchBatchNorm

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class BatchNorm1d(BatchNorm):
    """Samples are (channels) or (channels, length)."""

    fits: ClassVar[dict[int, str]] = {1: "1 axis (channels)", 2: "2 axes (channels, length)"}

    def scratch(self, buffers: Buffers) -> ScratchBatchNorm1d:
        return ScratchBatchNorm1d(buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.BatchNorm1d(input_shape[0], self.eps, self.momentum, self.affine, self.track_running_stats)


class ScratchBatchNorm1d(ScratchBatchNorm):
    """x, xhat, y, delta and dx (*replicas, batch, channels) or (*replicas, batch, channels, length); W, b, mean, var
    and rstd (channels). Sums and means are over the batch and the length, n values a channel.

    mean = sum(x) / n;  var = sum((x - mean)^2) / n;  rstd = 1 / sqrt(var + eps).
    xhat = (x - mean) rstd;  y = W xhat + b.
    running_mean = (1 - momentum) running_mean + momentum mean.
    running_var = (1 - momentum) running_var + momentum var n / (n - 1).
    db = sum(delta);  dW = sum(delta xhat).
    dx = W rstd (delta - mean(delta) - xhat mean(delta xhat)).

    In evaluation mode, where mean and var are the running ones and constants:
    dx = W rstd delta.

    Derived in docs/derivations/batch_norm1d.md.
    """
