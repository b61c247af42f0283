"""RMSNorm: each sample to mean square 1 over its last axes (torch.nn.RMSNorm)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.arrays import eps as eps_of
from runner.layers.base import Buffers, Layer, Parameter
from runner.layers.batch_norm import affine_of, check_eps
from runner.layers.layer_norm import Rows, check_normalized, normalized
from runner.layers.standardising import Totals

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class RMSNorm(Layer):
    """W of ``normalized_shape``, where ``elementwise_affine``.

    ``normalized_shape``: the sizes of the last axes, a list or, of one axis, a number; null: the last axis. ``eps``:
    null stands for the distance from 1 to the next number of the dtype that is computed in (float32 for 16 bits).
    """

    normalized_shape: Any
    eps: float | None
    elementwise_affine: bool

    def check(self) -> None:
        if self.eps is not None:
            check_eps(self.eps)
        check_normalized(self.normalized_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        normalized(self.normalized_shape, input_shape)
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        shape = normalized(self.normalized_shape, input_shape)
        return affine_of(shape, bias=False) if self.elementwise_affine else {}

    def scratch(self, buffers: Buffers) -> ScratchRMSNorm:
        return ScratchRMSNorm(buffers, len(normalized(self.normalized_shape, buffers.sample)), self.eps)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        shape = normalized(self.normalized_shape, input_shape)
        return torch.nn.RMSNorm(shape, self.eps, self.elementwise_affine)

    def describe(self, input_shape: Shape) -> str:
        shape = normalized(self.normalized_shape, input_shape)
        return f"RMSNorm({shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine})"


class ScratchRMSNorm:
    """x, xhat, y, g, delta and dx (*replicas, batch, ..., *normalized_shape); W of normalized_shape; square and r
    (*replicas, batch, ...). Sums and means are over normalized_shape, n values, but that of dW over the batch and the
    axes between.

    square = sum(x^2) / n;  r = 1 / sqrt(square + eps);  xhat = x r;  y = W xhat.
    dW = sum(delta xhat);  g = W delta;  dx = r (g - xhat mean(g xhat)).

    Derived in docs/derivations/rms_norm.md.
    """

    def __init__(self, buffers: Buffers, axes: int, eps: float | None) -> None:
        self.rows = Rows(buffers, axes)
        shape = self.rows.shape
        self.total = Totals(buffers, shape, over_samples=False)
        self.xhat, self.dx = buffers.empty(shape), buffers.empty(shape)
        self.r, self.mean_gx = buffers.empty(self.total.shape), buffers.empty(self.total.shape)
        self.eps = eps_of(self.r.dtype) if eps is None else eps
        self.shape, self.input_gradient = buffers.input_shape, buffers.input_gradient

    def forward(self, x: Array) -> Array:
        x, r = x.reshape(self.rows.shape), self.r
        np.divide(self.total.of_products(x, x, r), self.total.count, out=r)
        np.add(r, self.eps, out=r)
        np.sqrt(r, out=r)
        np.divide(1, r, out=r)
        return self.rows.map(np.multiply(x, r, out=self.xhat)).reshape(self.shape)

    def backward(self, delta: Array) -> Array:
        xhat, mean_gx, dx = self.xhat, self.mean_gx, self.dx
        g = self.rows.gradient(delta.reshape(self.rows.shape), xhat)
        if not self.input_gradient:
            return delta
        np.divide(self.total.of_products(g, xhat, mean_gx), self.total.count, out=mean_gx)
        np.multiply(xhat, mean_gx, out=dx)
        np.subtract(g, dx, out=dx)
        return np.multiply(dx, self.r, out=dx).reshape(self.shape)
