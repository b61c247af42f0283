"""RNN: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or relu (torch.nn.RNN; Elman 1990)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError, choices
from runner.layers.base import Buffers
from runner.layers.recurrent import EVERY, Recurrent, ScratchRecurrent

if TYPE_CHECKING:
    import torch

TANH, RELU = NONLINEARITIES = ("tanh", "relu")


@dataclass(frozen=True, kw_only=True)
class RNN(Recurrent):
    """A recurrent layer whose state is its one gate; ``nonlinearity``: tanh or relu."""

    nonlinearity: str

    gates: ClassVar[int] = 1

    def check(self) -> None:
        super().check()
        if self.nonlinearity not in NONLINEARITIES:
            raise ConfigError("nonlinearity", self.nonlinearity, choices(NONLINEARITIES, self.nonlinearity))

    def scratch(self, buffers: Buffers) -> ScratchRNN:
        return ScratchRNN(self, buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        every = self.output == EVERY

        class RNNModule(torch.nn.RNN):
            def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                y: torch.Tensor = super().forward(x)[0]
                return y if every else y[:, -1]

            def _get_name(self) -> str:
                return "RNN"

        nonlinearity = cast(Literal["tanh", "relu"], self.nonlinearity)
        return RNNModule(input_shape[1], self.hidden_size, nonlinearity=nonlinearity, bias=self.bias, batch_first=True)


class ScratchRNN(ScratchRecurrent):
    """x (*replicas, batch, time, features), W_ih (hidden, features), W_hh (hidden, hidden), b_ih and b_hh (hidden).

    y and delta are (*replicas, batch, time, hidden); where only the last step is an output, they have no axis of time.

    a_t = x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh;  h_0 = 0.
    h_t = tanh(a_t), or max(a_t, 0).
    dh_t = delta_t + da_(t+1) W_hh.
    da_t = dh_t (1 - h_t^2), or dh_t where a_t > 0, else 0.
    dW_ih = sum over t of da_t^T x_t;  dW_hh = sum over t of da_t^T h_(t-1);  dx_t = da_t W_ih.
    db_ih = db_hh = the sum of da_t over batch and t.
    Derived in docs/derivations/rnn.md.
    """

    def __init__(self, layer: RNN, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        self.product, self.dh = buffers.empty((*buffers.lead, self.hidden)), buffers.empty((*buffers.lead, self.hidden))
        self.rectified = layer.nonlinearity == RELU
        self.activation = _rectify if self.rectified else np.tanh
        self.slope = np.empty(self.h_after.shape, bool) if self.rectified else self._rows(self.hidden)
        a, h, delta, slope, da = map(self._each, (self.a, self.h, self.delta, self.slope, self.d_hh))
        self.walk = list(zip(a, h[:-1], h[1:], strict=True))
        self.walk_back = list(zip(delta, slope, da, strict=True))[::-1]

    def _steps(self) -> None:
        matmul, add, activation = np.matmul, np.add, self.activation
        weight_t, product = self.weight_hh_t, self.product
        for bias in self.biases:
            add(self.a, bias, out=self.a)
        for a, h_before, h in self.walk:
            matmul(h_before, weight_t, out=product)
            add(a, product, out=a)
            activation(a, out=h)

    def _steps_back(self) -> None:
        matmul, add, multiply = np.matmul, np.add, np.multiply
        weight, carry, dh = self.weight_hh, self.carry, self.dh
        if self.rectified:
            np.greater(self.a, 0, out=self.slope)
        else:
            multiply(self.h_after, self.h_after, out=self.slope)
            np.subtract(1, self.slope, out=self.slope)
        for delta, slope, da in self.walk_back:
            add(delta, carry, out=dh)
            multiply(dh, slope, out=da)
            matmul(da, weight, out=carry)


def _rectify(a: Array, out: Array) -> Array:
    return np.maximum(a, 0, out=out)
