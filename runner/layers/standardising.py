"""What the normalisations have in common: sums along some axes, and values brought to mean 0 and variance 1 by them."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.base import Buffers
from runner.layers.windows import filled


class Totals:
    """Sums over the last axis of arrays (..., points); with ``over_samples`` of (..., samples, channels, points), over
    the samples too.
    """

    def __init__(self, buffers: Buffers, shape: Shape, over_samples: bool) -> None:
        self.over_samples = over_samples
        # a product with a column of ones is a sum, and the fastest one
        self.ones = filled(buffers, (shape[-1], 1), 1)
        self.single = shape[-1] == 1
        self.rows = buffers.empty((*shape[:-1], 1))
        self.shape = (*shape[:-3], 1, shape[-2], 1) if over_samples else self.rows.shape
        self.count = shape[-1] * (shape[-3] if over_samples else 1)
        """How many values each sum is of."""

    def __call__(self, values: Array, out: Array) -> Array:
        """The sums of ``values``."""
        if not self.over_samples:
            return np.matmul(values, self.ones, out=out)
        rows = values if self.single else np.matmul(values, self.ones, out=self.rows)
        return np.add.reduce(rows, axis=-3, keepdims=True, out=out)

    def of_products(self, a: Array, b: Array, out: Array) -> Array:
        """The sums of ``a`` times ``b``."""
        rows = self.rows if self.over_samples else out
        if self.single:
            np.multiply(a, b, out=rows)
        else:
            np.vecdot(a, b, out=rows[..., 0])
        return np.add.reduce(rows, axis=-3, keepdims=True, out=out) if self.over_samples else out


class Standardised:
    """x, xhat, g and dx of ``shape``; n is the number of values that a mean is taken of, sums are over these.

    ``mean``, ``var``, ``rstd``, ``sum_g`` and ``sum_gx`` (of g xhat) have 1 along the axes that sums are taken over.
    """

    def __init__(self, buffers: Buffers, shape: Shape, eps: float, over_samples: bool = False) -> None:
        self.total = Totals(buffers, shape, over_samples)
        self.n, self.eps = self.total.count, eps
        self.xhat, self.dx = buffers.empty(shape), buffers.empty(shape)
        made = [buffers.empty(self.total.shape) for _ in range(7)]
        self.mean, self.var, self.rstd, self.sum_g, self.sum_gx, self.mean_g, self.mean_gx = made

    def forward(self, x: Array) -> Array:
        """xhat."""
        n, mean, var, xhat = self.n, self.mean, self.var, self.xhat
        np.divide(self.total(x, mean), n, out=mean)
        np.subtract(x, mean, out=xhat)
        np.divide(self.total.of_products(xhat, xhat, var), n, out=var)
        return np.multiply(xhat, self.reciprocal_root(var), out=xhat)

    def reciprocal_root(self, var: Array) -> Array:
        """rstd."""
        rstd = np.add(var, self.eps, out=self.rstd)
        np.sqrt(rstd, out=rstd)
        return np.divide(1, rstd, out=rstd)

    def sums(self, g: Array) -> None:
        """Writes ``sum_g`` and ``sum_gx``."""
        self.total(g, self.sum_g)
        self.total.of_products(g, self.xhat, self.sum_gx)

    def backward(self, g: Array, scale: Array) -> Array:
        """``scale`` (g - mean(g) - xhat mean(g xhat)), ``scale`` being rstd or a multiple; after ``sums`` of g."""
        n, dx = self.n, self.dx
        np.divide(self.sum_g, n, out=self.mean_g)
        np.divide(self.sum_gx, n, out=self.mean_gx)
        np.multiply(self.xhat, self.mean_gx, out=dx)
        np.add(dx, self.mean_g, out=dx)
        np.subtract(g, dx, out=dx)
        return np.multiply(dx, scale, out=dx)
