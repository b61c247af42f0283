"""LayerNorm: each sample to mean 0 and variance 1 over its last axes (torch.nn.LayerNorm)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Parameter
from runner.layers.batch_norm import affine_of, check_eps
from runner.layers.standardising import Standardised
from runner.layers.windows import filled, per_axis

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Layer):
    """W and b of ``normalized_shape``, where ``elementwise_affine``, b only with ``bias``.

    ``normalized_shape``: the sizes of the last axes, a list or, of one axis, a number; null: the last axis.
    """

    normalized_shape: Any
    eps: float
    elementwise_affine: bool
    bias: bool

    def check(self) -> None:
        check_eps(self.eps)
        check_normalized(self.normalized_shape)

    def output_shape(self, input_shape: Shape) -> Shape:
        normalized(self.normalized_shape, input_shape)
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        shape = normalized(self.normalized_shape, input_shape)
        return affine_of(shape, self.bias) if self.elementwise_affine else {}

    def scratch(self, buffers: Buffers) -> ScratchLayerNorm:
        return ScratchLayerNorm(buffers, len(normalized(self.normalized_shape, buffers.sample)), self.eps)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        shape = normalized(self.normalized_shape, input_shape)
        return torch.nn.LayerNorm(shape, self.eps, self.elementwise_affine, self.bias)

    def describe(self, input_shape: Shape) -> str:
        shape, affine = normalized(self.normalized_shape, input_shape), self.elementwise_affine
        return f"LayerNorm({shape}, eps={self.eps}, elementwise_affine={affine}, bias={affine and self.bias})"


def check_normalized(shape: object) -> None:
    """Raises ConfigError where ``normalized_shape`` names no axis, or is no whole numbers from 1."""
    sizes = shape if isinstance(shape, list) else [shape]
    if shape is not None and not (sizes and all(type(size) is int and size >= 1 for size in sizes)):
        raise ConfigError("normalized_shape", shape, "a whole number from 1, a list of at least one of them, or null")


def normalized(shape: Any, input_shape: Shape) -> Shape:
    """The sizes of the last axes that are normalised; raises ValueError, in words, where the input has others."""
    found = input_shape[-1:] if shape is None else per_axis(shape, 1)
    if not found or input_shape[-len(found) :] != found:
        raise ValueError(f"an input whose last axes are {list(found)}" if found else "an input of at least 1 axis")
    return found


class Rows:
    """The affine map of a normalisation over the last axes, all read as one: arrays are (*replicas, rows, columns)."""

    def __init__(self, buffers: Buffers, axes: int) -> None:
        replicas, columns = buffers.replicas, prod(buffers.sample[-axes:])
        self.shape = (*replicas, prod(buffers.input_shape[len(replicas) : -axes]), columns)
        of_columns = (*replicas, 1, columns)
        self.weight, self.bias = (_of(buffers.parameters, k, of_columns) for k in ("weight", "bias"))
        self.d_weight, self.d_bias = (_of(buffers.gradients, k, of_columns) for k in ("weight", "bias"))
        self.ones = filled(buffers, (1, self.shape[-2]), 1)
        self.y, self.g = buffers.empty(self.shape), buffers.empty(self.shape)

    def map(self, xhat: Array) -> Array:
        """y."""
        y = self.y
        if self.weight is None:
            y[...] = xhat
            return y
        np.multiply(xhat, self.weight, out=y)
        return y if self.bias is None else np.add(y, self.bias, out=y)

    def gradient(self, delta: Array, xhat: Array) -> Array:
        """g, the gradient of xhat; writes dW and db."""
        if self.weight is None:
            return delta
        np.multiply(delta, xhat, out=self.g)
        np.matmul(self.ones, self.g, out=self.d_weight)  # the sum over the rows
        if self.d_bias is not None:
            np.matmul(self.ones, delta, out=self.d_bias)
        return np.multiply(delta, self.weight, out=self.g)


class ScratchLayerNorm:
    """x, xhat, y, g, delta and dx (*replicas, batch, ..., *normalized_shape); W and b of normalized_shape; mean, var
    and rstd (*replicas, batch, ...). Sums and means are over normalized_shape, n values, but those of db and dW over
    the batch and the axes between.

    mean = sum(x) / n;  var = sum((x - mean)^2) / n;  rstd = 1 / sqrt(var + eps).
    xhat = (x - mean) rstd;  y = W xhat + b.
    db = sum(delta);  dW = sum(delta xhat);  g = W delta.
    dx = rstd (g - mean(g) - xhat mean(g xhat)).

    Derived in docs/derivations/layer_norm.md.
    """

    def __init__(self, buffers: Buffers, axes: int, eps: float) -> None:
        self.rows = Rows(buffers, axes)
        self.standardised = Standardised(buffers, self.rows.shape, eps)
        self.shape, self.input_gradient = buffers.input_shape, buffers.input_gradient

    def forward(self, x: Array) -> Array:
        return self.rows.map(self.standardised.forward(x.reshape(self.rows.shape))).reshape(self.shape)

    def backward(self, delta: Array) -> Array:
        made = self.standardised
        g = self.rows.gradient(delta.reshape(self.rows.shape), made.xhat)
        if not self.input_gradient:
            return delta
        made.sums(g)
        return made.backward(g, made.rstd).reshape(self.shape)


def _of(arrays: Mapping[str, Array], name: str, shape: Shape) -> Array | None:
    return arrays[name].reshape(shape) if name in arrays else None
