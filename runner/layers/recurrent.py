"""What the recurrent layers share: one layer over (time, features), its state 0 before the first step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError, choices
from runner.layers.base import Buffers, Layer, Parameter

LAST, EVERY = OUTPUTS = ("last", "every")


@dataclass(frozen=True, kw_only=True)
class Recurrent(Layer):
    """``hidden_size`` numbers of state; ``bias``: whether b_ih and b_hh are there.

    ``output``: the state after the ``last`` step (hidden_size), or after ``every`` one (time, hidden_size).
    """

    hidden_size: int
    bias: bool
    output: str

    gates: ClassVar[int]
    """How many blocks of hidden_size rows a weight has."""

    def check(self) -> None:
        if self.hidden_size < 1:
            raise ConfigError("hidden_size", self.hidden_size, "a whole number from 1")
        if self.output not in OUTPUTS:
            raise ConfigError("output", self.output, choices(OUTPUTS, self.output))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise ValueError("an input of 2 axes (time, features)")
        return (input_shape[0], self.hidden_size) if self.output == EVERY else (self.hidden_size,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        rows, hidden = self.gates * self.hidden_size, self.hidden_size
        shapes: dict[str, Shape] = {"weight_ih_l0": (rows, input_shape[1]), "weight_hh_l0": (rows, hidden)}
        if self.bias:
            shapes |= {"bias_ih_l0": (rows,), "bias_hh_l0": (rows,)}
        return {name: Parameter(shape, hidden) for name, shape in shapes.items()}  # torch: all by the hidden size

    def describe(self, input_shape: Shape) -> str:
        bias = "" if self.bias else ", bias=False"
        return f"{type(self).__name__}({input_shape[1]}, {self.hidden_size}{bias}, batch_first=True)"


class ScratchRecurrent(ABC):
    """The passes' frame: what is done for all steps at once, before and after the loop over time.

    Inside, arrays are kept step after step, (*replicas, time * batch, width), so that a step's rows lie together and
    the sums over batch and time are one matrix product. A pass gives ``_steps`` and ``_steps_back``.
    """

    def __init__(self, layer: Recurrent, buffers: Buffers) -> None:
        self.buffers, self.hidden, self.steps = buffers, layer.hidden_size, buffers.sample[0]
        width, features = layer.gates * layer.hidden_size, buffers.sample[1]
        self.every = layer.output == EVERY
        parameters, gradients = buffers.parameters, buffers.gradients
        self.weight_ih, self.weight_hh = parameters["weight_ih_l0"], parameters["weight_hh_l0"]
        self.weight_ih_t, self.weight_hh_t = self.weight_ih.mT, self.weight_hh.mT
        self.d_weight_ih, self.d_weight_hh = gradients["weight_ih_l0"], gradients["weight_hh_l0"]
        names = ("bias_ih_l0", "bias_hh_l0") if layer.bias else ()
        self.biases = [parameters[name][..., None, :] for name in names]
        self.d_biases = [gradients[name] for name in names]

        self.x, self.a = self._rows(features), self._rows(width)
        self.h = self._rows(self.hidden, self.steps + 1)
        self._step(self.h, 0)[...] = 0
        self.h_before, self.h_after = self._before(self.h), self._after(self.h)
        self.delta = self._rows(self.hidden)
        self.delta[...] = 0  # where only the last step is an output, no delta reaches the others
        self.y = buffers.empty((*buffers.lead, *layer.output_shape(buffers.sample)))
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None
        self.dx_rows = self._rows(features) if buffers.input_gradient else None
        self.carry = buffers.empty((*buffers.lead, self.hidden))
        self.d_ih = self.d_hh = self._rows(width)

    def forward(self, x: Array) -> Array:
        np.copyto(self._by_time(self.x), x.swapaxes(-3, -2))
        np.matmul(self.x, self.weight_ih_t, out=self.a)
        self._steps()
        np.copyto(self.y, self._of_output(self.h_after))
        return self.y

    def backward(self, delta: Array) -> Array:
        np.copyto(self._of_output(self.delta), delta)
        self.carry[...] = 0
        self._steps_back()
        np.matmul(self.d_ih.mT, self.x, out=self.d_weight_ih)
        np.matmul(self.d_hh.mT, self.h_before, out=self.d_weight_hh)
        for d_bias, rows in zip(self.d_biases, (self.d_ih, self.d_hh), strict=False):
            np.add.reduce(rows, axis=-2, out=d_bias)
        if self.dx is None or self.dx_rows is None:
            return delta
        np.matmul(self.d_ih, self.weight_ih, out=self.dx_rows)
        np.copyto(self.dx, self._by_time(self.dx_rows).swapaxes(-3, -2))
        return self.dx

    @abstractmethod
    def _steps(self) -> None:
        """From ``a``, which holds x W_ih^T of all steps, to ``h_after``."""

    @abstractmethod
    def _steps_back(self) -> None:
        """From ``delta`` of all steps to ``d_ih`` and ``d_hh``, the gradients of the two products."""

    def _rows(self, width: int, steps: int | None = None) -> Array:
        steps = self.steps if steps is None else steps
        return self.buffers.empty((*self.buffers.replicas, steps * self.buffers.batch, width))

    def _step(self, rows: Array, t: int) -> Array:
        batch = self.buffers.batch
        return rows[..., t * batch : (t + 1) * batch, :]

    def _each(self, rows: Array) -> list[Array]:
        """The rows of each step, one view a step."""
        return [self._step(rows, t) for t in range(rows.shape[-2] // self.buffers.batch)]

    def _before(self, states: Array) -> Array:
        return states[..., : -self.buffers.batch, :]

    def _after(self, states: Array) -> Array:
        return states[..., self.buffers.batch :, :]

    def _by_time(self, rows: Array) -> Array:
        return rows.reshape(*self.buffers.replicas, self.steps, self.buffers.batch, rows.shape[-1])

    def _of_output(self, rows: Array) -> Array:
        return self._by_time(rows).swapaxes(-3, -2) if self.every else self._step(rows, self.steps - 1)


def sigmoid(a: Array, out: Array) -> Array:
    """1 / (1 + exp(-a)); exp(-a) overflows to inf where the result is 0."""
    np.negative(a, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.divide(1, out, out=out)


def blocks(rows: Array, hidden: int) -> list[Array]:
    """The gates in a row of several times ``hidden`` numbers, as views."""
    return [rows[..., k : k + hidden] for k in range(0, rows.shape[-1], hidden)]


def by_gate(rows: Array, hidden: int) -> Array:
    """Rows of several times ``hidden`` numbers as (..., gates, hidden), a view."""
    return rows.reshape(*rows.shape[:-1], -1, hidden)
