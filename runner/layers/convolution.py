"""What the convolutions have in common: their keys and their pass, whatever axes the kernel moves along."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Parameter
from runner.layers.columns import Columns, Image, Points
from runner.layers.windows import Windows, check_per_axis, per_axis, spans

WORDS = ("same", "valid")


@dataclass(frozen=True, kw_only=True)
class Convolution(Layer):
    """W (out_channels, in / groups, *kernel_size), b (out_channels); the input's channels are inferred.

    ``kernel_size``, ``stride``, ``dilation`` and ``padding`` are one number, or one for each axis; ``padding`` is
    filled with zeros and may be "same" (as many outputs as inputs) or "valid" (none).
    """

    out_channels: int
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    groups: int
    bias: bool

    axes: ClassVar[tuple[str, ...]]
    """The axes that the kernel moves along, in words."""

    def check(self) -> None:
        n = len(self.axes)
        for key in ("kernel_size", "stride", "dilation"):
            check_per_axis(key, getattr(self, key), n, 1)
        if self.padding not in WORDS:
            check_per_axis("padding", self.padding, n, 0, ', or "same", or "valid"')
        if self.padding == "same" and per_axis(self.stride, n) != (1,) * n:
            raise ConfigError("stride", self.stride, '1 where padding is "same"')
        if self.groups < 1:
            raise ConfigError("groups", self.groups, "a whole number from 1")
        if self.out_channels < 1 or self.out_channels % self.groups:
            raise ConfigError("out_channels", self.out_channels, f"a multiple of groups, {self.groups}, from 1")

    def windows(self, image: Shape) -> Windows:
        """The windows over an image; raises ValueError, in words, where none fits into it."""
        n = len(self.axes)
        kernel, stride, dilation = (per_axis(v, n) for v in (self.kernel_size, self.stride, self.dilation))
        span = spans(kernel, dilation)
        if self.padding == "same":
            total = tuple(s - 1 for s in span)
            before = tuple(t // 2 for t in total)
        else:
            before = (0,) * n if self.padding == "valid" else per_axis(self.padding, n)
            total = tuple(2 * b for b in before)
        room = tuple(size + t - s for size, t, s in zip(image, total, span, strict=True))
        if min(room) < 0:
            needed = " x ".join(str(s - t) for s, t in zip(span, total, strict=True))
            raise ValueError(f"an input of at least {needed} points, that the kernel finds room in")
        outputs = tuple(r // step + 1 for r, step in zip(room, stride, strict=True))
        return Windows(image, kernel, stride, dilation, before, outputs)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != len(self.axes) + 1:
            raise ValueError(f"an input of {len(self.axes) + 1} axes (channels, {', '.join(self.axes)})")
        if input_shape[0] % self.groups:
            raise ValueError(f"an input whose channels are a multiple of groups, {self.groups}")
        return (self.out_channels, *self.windows(input_shape[1:]).outputs)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        shape = (input_shape[0] // self.groups, *per_axis(self.kernel_size, len(self.axes)))
        weight = {"weight": Parameter((self.out_channels, *shape), prod(shape))}
        return weight | ({"bias": Parameter((self.out_channels,), prod(shape))} if self.bias else {})

    def arguments(self, input_shape: Shape) -> dict[str, Any]:
        """What torch's module takes besides the channels."""
        n = len(self.axes)
        return {
            "kernel_size": per_axis(self.kernel_size, n),
            "stride": per_axis(self.stride, n),
            "padding": self.padding if self.padding in WORDS else per_axis(self.padding, n),
            "dilation": per_axis(self.dilation, n),
            "groups": self.groups,
            "bias": self.bias,
        }

    def hush_torch(self) -> None:
        """Of padding "same", PyTorch warns that an even kernel takes a copy of the input: of speed, and on stderr."""
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths", UserWarning)

    def describe(self, input_shape: Shape) -> str:
        n = len(self.axes)
        hidden = {"padding": (0,) * n, "dilation": (1,) * n, "groups": 1, "bias": True}
        told = [f"{k}={v}" for k, v in self.arguments(input_shape).items() if k not in hidden or hidden[k] != v]
        return f"{type(self).__name__}({', '.join([str(input_shape[0]), str(self.out_channels), *told])})"


class ScratchConvolution:
    """The pass of every convolution; its formulas stand in the classes that are made of it.

    Inside, W is (*replicas, 1, groups, out / groups, taps), taps = in / groups * kernel; the windows X are (*replicas,
    batch, groups, taps, outputs); y and delta are (*replicas, batch, groups, out / groups, outputs).
    """

    def __init__(self, buffers: Buffers, layer: Convolution) -> None:
        lead, n, (channels, *image) = buffers.lead, len(buffers.replicas), buffers.sample
        windows, out, groups = layer.windows(tuple(image)), layer.out_channels, layer.groups
        outputs, taps = prod(windows.outputs), channels // groups * prod(windows.kernel)
        of_weight = (*buffers.replicas, groups, out // groups, taps)
        self.of_windows, self.of_delta = (*lead, groups, taps, outputs), (*lead, groups, out // groups, outputs)
        self.weight = np.expand_dims(buffers.parameters["weight"].reshape(of_weight), n)
        self.weight_t = self.weight.mT
        self.columns = Points(buffers) if windows.are_points else Columns(buffers, windows)
        self.image = None
        if buffers.input_gradient:
            self.image = self.columns if isinstance(self.columns, Points) else Image(buffers, windows, out)
        self.d_windows = None if self.image is None else self.image.d.reshape(*lead, groups, taps, -1)
        self.times = np.multiply if out == groups else np.matmul  # a column times a row: no sum to take
        d_weight = buffers.gradients["weight"].reshape(of_weight)
        self.sum_products = SumOfProducts(buffers, d_weight, self.of_windows, self.of_delta, self.d_windows)
        self.y = buffers.empty((*lead, out, *windows.outputs))
        self.y_in_groups = self.y.reshape(self.of_delta)
        self.of_channels, self.over = (*lead, out, outputs), (n, -1)
        self.y_in_channels = self.y.reshape(self.of_channels)
        self.bias = buffers.parameters["bias"][..., None, :, None] if layer.bias else None
        self.d_bias = buffers.gradients["bias"] if layer.bias else None

    def forward(self, x: Array) -> Array:
        self.x = self.columns.gather(x).reshape(self.of_windows)
        np.matmul(self.weight, self.x, out=self.y_in_groups)
        if self.bias is not None:
            np.add(self.y_in_channels, self.bias, out=self.y_in_channels)
        return self.y

    def backward(self, delta: Array) -> Array:
        self.sum_products(delta.reshape(self.of_delta), self.x)
        if self.d_bias is not None:
            np.add.reduce(delta.reshape(self.of_channels), axis=self.over, out=self.d_bias)
        if self.image is None:
            return delta
        wide = self.image.widen(delta).reshape(*self.of_delta[:-1], -1)
        self.times(self.weight_t, wide, out=self.d_windows)
        return self.image.put_together()


class SumOfProducts:
    """dW = the sum of delta X^T over the batch: a product a sample, which are added up; or, where these would take as
    much room as X itself, one product of delta and X laid out with the batch beside the outputs.

    ``free`` may be written into: the gradient of the windows, which is made later.
    """

    def __init__(self, buffers: Buffers, d_weight: Array, of_x: Shape, of_delta: Shape, free: Array | None) -> None:
        self.axis, self.d_weight = len(buffers.replicas), d_weight
        self.across = buffers.batch > 1 and of_delta[-2] >= of_delta[-1]
        if self.across:
            x, d = ((*of[: self.axis], *of[self.axis + 1 : -1], buffers.batch, of[-1]) for of in (of_x, of_delta))
            self.x = buffers.empty(x) if free is None else free.reshape(-1)[: prod(x)].reshape(x)
            self.d = buffers.empty(d)
            self.x_rows, self.d_rows = (a.reshape(*a.shape[:-2], -1) for a in (self.x, self.d))
        elif buffers.batch > 1:
            self.products = buffers.empty((*buffers.lead, *d_weight.shape[self.axis :]))
        else:
            self.products = np.expand_dims(d_weight, self.axis)
        self.add_up = buffers.batch > 1

    def __call__(self, delta: Array, x: Array) -> None:
        if self.across:
            self.x[...], self.d[...] = np.moveaxis(x, self.axis, -2), np.moveaxis(delta, self.axis, -2)
            np.matmul(self.d_rows, self.x_rows.mT, out=self.d_weight)
            return
        np.matmul(delta, x.mT, out=self.products)
        if self.add_up:
            np.add.reduce(self.products, axis=self.axis, out=self.d_weight)
