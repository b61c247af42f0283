"""LSTM: a recurrent layer with a cell and three gates (torch.nn.LSTM; Hochreiter and Schmidhuber 1997, Gers 2000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.layers.base import Buffers
from runner.layers.recurrent import EVERY, Recurrent, ScratchRecurrent, blocks, by_gate, sigmoid

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class LSTM(Recurrent):
    """Rows of the weights and biases in torch's order: input gate, forget gate, candidate, output gate."""

    gates: ClassVar[int] = 4

    def scratch(self, buffers: Buffers) -> ScratchLSTM:
        return ScratchLSTM(self, buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        every = self.output == EVERY

        class LSTMModule(torch.nn.LSTM):
            def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                y: torch.Tensor = super().forward(x)[0]
                return y if every else y[:, -1]

            def _get_name(self) -> str:
                return "LSTM"

        return LSTMModule(input_shape[1], self.hidden_size, bias=self.bias, batch_first=True)


class ScratchLSTM(ScratchRecurrent):
    """x (*replicas, batch, time, features), W_ih (4 hidden, features), W_hh (4 hidden, hidden), b_ih, b_hh (4 hidden).

    y and delta are (*replicas, batch, time, hidden); where only the last step is an output, they have no axis of time.
    a_t is cut into four parts a_i, a_f, a_g, a_o of hidden numbers each.

    a_t = x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh;  h_0 = 0;  c_0 = 0.
    i_t = sigmoid(a_i);  f_t = sigmoid(a_f);  g_t = tanh(a_g);  o_t = sigmoid(a_o).
    c_t = f_t c_(t-1) + i_t g_t;  h_t = o_t tanh(c_t).
    dh_t = delta_t + da_(t+1) W_hh;  dc_t = dc_(t+1) f_(t+1) + dh_t o_t (1 - tanh(c_t)^2).
    da_i = dc_t g_t i_t (1 - i_t);  da_f = dc_t c_(t-1) f_t (1 - f_t).
    da_g = dc_t i_t (1 - g_t^2);  da_o = dh_t tanh(c_t) o_t (1 - o_t).
    dW_ih = sum over t of da_t^T x_t;  dW_hh = sum over t of da_t^T h_(t-1);  dx_t = da_t W_ih.
    db_ih = db_hh = the sum of da_t over batch and t.
    Derived in docs/derivations/lstm.md.
    """

    def __init__(self, layer: LSTM, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        hidden, of_step = self.hidden, (*buffers.lead, self.hidden)
        self.product, self.of_step = buffers.empty((*buffers.lead, 4 * hidden)), buffers.empty(of_step)
        self.dh, self.dc = buffers.empty(of_step), buffers.empty(of_step)
        self.gate, self.slope = self._rows(4 * hidden), self._rows(4 * hidden)
        self.c, self.tanh_c, self.c_slope = self._rows(hidden, self.steps + 1), self._rows(hidden), self._rows(hidden)
        self._step(self.c, 0)[...] = 0
        self.c_before = self._before(self.c)

        a, gate, c, tanh_c, h = map(self._each, (self.a, self.gate, self.c, self.tanh_c, self.h))
        i, f, g, o = zip(*(blocks(step, hidden) for step in gate), strict=True)
        a_g = [blocks(step, hidden)[2] for step in a]
        self.walk = list(zip(a, a_g, gate, i, f, g, o, c[:-1], c[1:], tanh_c, h[:-1], h[1:], strict=True))

        delta, c_slope, slope, da = map(self._each, (self.delta, self.c_slope, self.slope, self.d_hh))
        of_c, of_o = self._cell_and_output(slope)
        da_of_c, da_o = self._cell_and_output(da)
        self.walk_back = list(zip(delta, c_slope, f, da, da_of_c, of_c, da_o, of_o, strict=True))[::-1]

    def _cell_and_output(self, steps: list[Array]) -> tuple[list[Array], list[Array]]:
        """Views of every step's three parts that act through the cell, (..., 3, hidden), and of the output gate's."""
        cut = [by_gate(step, self.hidden) for step in steps]
        return [step[..., :3, :] for step in cut], [step[..., 3, :] for step in cut]

    def _steps(self) -> None:
        matmul, add, multiply, tanh = np.matmul, np.add, np.multiply, np.tanh
        weight_t, product, of_step = self.weight_hh_t, self.product, self.of_step
        for bias in self.biases:
            add(self.a, bias, out=self.a)
        for a, a_g, gate, i, f, g, o, c_before, c, tanh_c, h_before, h in self.walk:
            matmul(h_before, weight_t, out=product)
            add(a, product, out=a)
            sigmoid(a, out=gate)  # of the candidate's part too: one call for all is faster than two for the others
            tanh(a_g, out=g)
            multiply(f, c_before, out=c)
            multiply(i, g, out=of_step)
            add(c, of_step, out=c)
            tanh(c, out=tanh_c)
            multiply(o, tanh_c, out=h)

    def _steps_back(self) -> None:
        matmul, add, multiply = np.matmul, np.add, np.multiply
        weight, carry, dh, dc, of_step = self.weight_hh, self.carry, self.dh, self.dc, self.of_step
        self._slopes()
        dc[...] = 0
        dc_each = dc[..., None, :]
        for delta, c_slope, f, da, da_of_c, of_c, da_o, of_o in self.walk_back:
            add(delta, carry, out=dh)
            multiply(dh, c_slope, out=of_step)
            add(dc, of_step, out=dc)
            multiply(dc_each, of_c, out=da_of_c)
            multiply(dh, of_o, out=da_o)
            multiply(dc, f, out=dc)
            matmul(da, weight, out=carry)

    def _slopes(self) -> None:
        """What dc_t and dh_t are multiplied by, of all steps at once: it does not depend on later steps."""
        multiply, subtract = np.multiply, np.subtract
        slope, tanh_c, c_slope = self.slope, self.tanh_c, self.c_slope
        i, _, g, o = blocks(self.gate, self.hidden)
        of_i, of_f, of_g, of_o = blocks(slope, self.hidden)
        subtract(1, self.gate, out=slope)
        multiply(slope, self.gate, out=slope)
        multiply(of_i, g, out=of_i)
        multiply(of_f, self.c_before, out=of_f)
        multiply(g, g, out=of_g)
        subtract(1, of_g, out=of_g)
        multiply(of_g, i, out=of_g)
        multiply(of_o, tanh_c, out=of_o)
        multiply(tanh_c, tanh_c, out=c_slope)
        subtract(1, c_slope, out=c_slope)
        multiply(c_slope, o, out=c_slope)
