"""A layer's pass in 16 bits: computed in float32, as hardware does, its results rounded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from runner.arrays import Array, in_dtype, is_narrow, is_whole
from runner.layers.base import Buffers, Layer, Pass


def pass_of(layer: Layer, buffers: Buffers) -> Pass:
    """The layer's pass over ``buffers``, whatever their dtype."""
    narrow = is_narrow(buffers.empty(()).dtype) and not layer.in_narrow
    return _InSingle(layer, buffers) if narrow else layer.scratch(buffers)


class _InSingle:
    """A pass over float32 copies of everything that ``buffers`` hold."""

    def __init__(self, layer: Layer, buffers: Buffers) -> None:
        self.buffers = buffers
        self.parameters, self.gradients = _single(buffers.parameters), _single(buffers.gradients)
        self.state = _single(buffers.state)
        self.x = np.empty(buffers.input_shape, np.float32)
        wide = replace(
            buffers,
            parameters=self.parameters,
            gradients=self.gradients,
            state=self.state,
            empty=lambda shape: np.empty(shape, np.float32),
        )
        self.made = layer.scratch(wide)
        shape = (*buffers.lead, *layer.output_shape(buffers.sample))
        self.y, self.delta = buffers.empty(shape), np.empty(shape, np.float32)
        self.dx = buffers.empty(buffers.input_shape)

    def forward(self, x: Array) -> Array:
        _copy(self.buffers.parameters, self.parameters)
        _copy(self.buffers.state, self.state)
        if not is_whole(x):
            self.x[...] = x
            x = self.x
        self.y[...] = self.made.forward(x)
        _copy(self.state, self.buffers.state)
        return self.y

    def backward(self, delta: Array) -> Array:
        self.delta[...] = delta
        dx = self.made.backward(self.delta)
        _copy(self.gradients, self.buffers.gradients)
        if self.buffers.input_gradient:
            self.dx[...] = dx
        return self.dx


def _single(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: in_dtype(value, np.dtype(np.float32)) for name, value in arrays.items()}


def _copy(values: Mapping[str, Array], into: Mapping[str, Array]) -> None:
    for name, value in values.items():
        into[name][...] = value
