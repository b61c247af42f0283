"""Linear: y = x W^T + b (torch.nn.Linear)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape, in_single, product_for, sum_for, working
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Parameter, Pass

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Linear(Layer):
    """``out`` outputs; W (out, in), b (out); the input's width is inferred."""

    out: int
    bias: bool

    in_narrow: ClassVar[bool] = True

    def check(self) -> None:
        if self.out < 1:
            raise ConfigError("out", self.out, "a whole number from 1")

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.out)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        fan_in = input_shape[-1]
        weight = {"weight": Parameter((self.out, fan_in), fan_in)}
        return weight | ({"bias": Parameter((self.out,), fan_in)} if self.bias else {})

    @property
    def joined(self) -> bool:
        return self.bias and type(self).scratch is Linear.scratch  # a layer derived from it has a pass of its own

    def scratch(self, buffers: Buffers) -> Pass:
        return JoinedLinear(buffers) if "block" in buffers.parameters else ScratchLinear(buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        return torch.nn.Linear(input_shape[-1], self.out, bias=self.bias)

    def describe(self, input_shape: Shape) -> str:
        return f"Linear(in_features={input_shape[-1]}, out_features={self.out}, bias={self.bias})"


class ScratchLinear:
    """x (*replicas, batch, ..., in), W (out, in), b (out), y and delta (*replicas, batch, ..., out).

    y = x W^T + b;  dW = delta^T x;  db = the sum of delta over the batch;  dx = delta W.

    Axes between batch and in count as samples.

    Derived in docs/derivations/linear.md.
    """

    def __init__(self, buffers: Buffers) -> None:
        self.weight = buffers.parameters["weight"]
        self.weight_t = self.weight.mT
        self.d_weight = buffers.gradients["weight"]
        self.bias = buffers.parameters["bias"][..., None, :] if "bias" in buffers.parameters else None
        self.d_bias = buffers.gradients["bias"] if self.bias is not None else None
        out, fan_in = self.weight.shape[-2:]
        self.y = buffers.empty((*buffers.input_shape[:-1], out))
        rows = (*buffers.replicas, prod(buffers.input_shape[len(buffers.replicas) : -1]))
        self.x_rows, self.delta_rows = (*rows, fan_in), (*rows, out)
        self.in_rows = len(buffers.sample) == 1
        self.y_in_rows = self.y.reshape(self.delta_rows)
        self.x_product = self.y_in_rows if self.bias is None else working(self.y_in_rows)
        self.product, self.sum = product_for(self.y_in_rows), sum_for(self.y.dtype)
        self.matmul = in_single(np.matmul, self.y.dtype)  # of what an own layer hands over in another dtype
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None
        self.dx_in_rows = None if self.dx is None else self.dx.reshape(self.x_rows)

    def forward(self, x: Array) -> Array:
        self.x = x = x if self.in_rows else x.reshape(self.x_rows)
        bias = self.bias
        product = self.product if x.dtype is self.y.dtype else self.matmul
        product(x, self.weight_t, self.x_product)
        if bias is not None:
            np.add(self.x_product, bias, out=self.y_in_rows)
        return self.y

    def backward(self, delta: Array) -> Array:
        total = self.sum  # a local name: a call through self is slower
        product = self.product if delta.dtype is self.y.dtype else self.matmul
        delta = delta if self.in_rows else delta.reshape(self.delta_rows)
        product(delta.mT, self.x, self.d_weight)
        if self.d_bias is not None:
            total(delta, axis=-2, out=self.d_bias)
        if self.dx_in_rows is None or self.dx is None:
            return delta
        product(delta, self.weight, self.dx_in_rows)
        return self.dx


SMALL = 256
"""Numbers of a weight up to which dot is faster than matmul, though it copies a weight that is part of a block: rows
training_step of benchmarks/tables.py."""


class JoinedLinear:
    """The same with B = (W, b), (out, in + 1), and x1 = (x, 1), (*replicas, batch, ..., in + 1).

    y = x1 B^T;  dB = delta^T x1;  dx = delta W.

    The bias and its gradient come with the products: rows 2-10-10-1 of benchmarks/tables.py.
    """

    def __init__(self, buffers: Buffers) -> None:
        block, self.d_block = buffers.parameters["block"], buffers.gradients["block"]
        self.block_t, self.weight = block.mT, block[..., :-1]
        out, width = block.shape[-2:]
        rows = (*buffers.replicas, prod(buffers.input_shape[len(buffers.replicas) : -1]))
        self.x_rows, self.delta_rows = (*rows, width - 1), (*rows, out)
        self.in_rows = len(buffers.sample) == 1
        self.x1 = buffers.empty((*rows, width))
        self.x1[..., -1] = 1
        self.x = self.x1[..., :-1]
        self.y = buffers.empty((*buffers.input_shape[:-1], out))
        self.y_in_rows = self.y.reshape(self.delta_rows)
        self.product, self.matmul = product_for(self.y_in_rows), in_single(np.matmul, self.y.dtype)
        self.back = self.product if self.weight.size <= SMALL else self.matmul
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None
        self.dx_in_rows = None if self.dx is None else self.dx.reshape(self.x_rows)

    def forward(self, x: Array) -> Array:
        self.x[...] = x if self.in_rows else x.reshape(self.x_rows)
        product = self.product
        product(self.x1, self.block_t, self.y_in_rows)
        return self.y

    def backward(self, delta: Array) -> Array:
        product, back = (self.product, self.back) if delta.dtype is self.y.dtype else (self.matmul, self.matmul)
        delta = delta if self.in_rows else delta.reshape(self.delta_rows)
        product(delta.mT, self.x1, self.d_block)
        if self.dx_in_rows is None or self.dx is None:
            return delta
        back(delta, self.weight, self.dx_in_rows)
        return self.dx
