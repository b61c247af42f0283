"""GRU: a recurrent layer with a reset and an update gate (torch.nn.GRU; Cho et al. 2014)."""

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
class GRU(Recurrent):
    """Rows of the weights and biases in torch's order: reset gate, update gate, candidate.

    As in torch, the reset gate is applied after the product of W_hh, not before it as in the paper.
    """

    gates: ClassVar[int] = 3

    def scratch(self, buffers: Buffers) -> ScratchGRU:
        return ScratchGRU(self, buffers)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        every = self.output == EVERY

        class GRUModule(torch.nn.GRU):
            def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
                y: torch.Tensor = super().forward(x)[0]
                return y if every else y[:, -1]

            def _get_name(self) -> str:
                return "GRU"

        return GRUModule(input_shape[1], self.hidden_size, bias=self.bias, batch_first=True)


class ScratchGRU(ScratchRecurrent):
    """x (*replicas, batch, time, features), W_ih (3 hidden, features), W_hh (3 hidden, hidden), b_ih, b_hh (3 hidden).

    y and delta are (*replicas, batch, time, hidden); where only the last step is an output, they have no axis of time.
    a_t is cut into three parts a_r, a_z, a_n of hidden numbers each, and so is u_t.

    a_t = x_t W_ih^T + b_ih;  u_t = h_(t-1) W_hh^T + b_hh;  h_0 = 0.
    r_t = sigmoid(a_r + u_r);  z_t = sigmoid(a_z + u_z);  n_t = tanh(a_n + r_t u_n).
    h_t = n_t + z_t (h_(t-1) - n_t).
    dh_t = delta_t + du_(t+1) W_hh + dh_(t+1) z_(t+1).
    da_n = dh_t (1 - z_t) (1 - n_t^2);  du_n = da_n r_t.
    da_r = du_r = da_n u_n r_t (1 - r_t);  da_z = du_z = dh_t (h_(t-1) - n_t) z_t (1 - z_t).
    dW_ih = sum over t of da_t^T x_t;  dW_hh = sum over t of du_t^T h_(t-1);  dx_t = da_t W_ih.
    db_ih = the sum of da_t over batch and t;  db_hh = the sum of du_t over batch and t.
    Derived in docs/derivations/gru.md.
    """

    def __init__(self, layer: GRU, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        hidden = self.hidden
        self.u, self.slope, self.d_hh = self._rows(3 * hidden), self._rows(3 * hidden), self._rows(3 * hidden)
        self.gate, self.n, self.difference = self._rows(2 * hidden), self._rows(hidden), self._rows(hidden)
        self.n_slope, self.dh = self._rows(hidden), self._rows(hidden)
        self.of_step = buffers.empty((*buffers.lead, hidden))

        a, u, gate, n, difference, h = map(self._each, (self.a, self.u, self.gate, self.n, self.difference, self.h))
        (a_gates, a_n), (u_gates, u_n), (r, z) = _cut(a, 2 * hidden), _cut(u, 2 * hidden), _cut(gate, hidden)
        ahead = (a_gates, a_n, u, u_gates, u_n, gate, r, z, n, difference, h[:-1], h[1:])
        self.walk = list(zip(*ahead, strict=True))

        delta, dh, slope, du = map(self._each, (self.delta, self.dh, self.slope, self.d_hh))
        dh_each = [step[..., None, :] for step in dh]
        slope, du_by_gate = [by_gate(step, hidden) for step in slope], [by_gate(step, hidden) for step in du]
        self.walk_back = list(zip(delta, dh, dh_each, slope, du_by_gate, du, z, strict=True))[::-1]

    def _steps(self) -> None:
        matmul, add, subtract, multiply, tanh = np.matmul, np.add, np.subtract, np.multiply, np.tanh
        weight_t = self.weight_hh_t
        b_ih, b_hh = self.biases or (None, None)
        if b_ih is not None:
            add(self.a, b_ih, out=self.a)
        for a_gates, a_n, u, u_gates, u_n, gate, r, z, n, difference, h_before, h in self.walk:
            matmul(h_before, weight_t, out=u)
            if b_hh is not None:
                add(u, b_hh, out=u)
            add(a_gates, u_gates, out=gate)
            sigmoid(gate, out=gate)
            multiply(r, u_n, out=n)
            add(n, a_n, out=n)
            tanh(n, out=n)
            subtract(h_before, n, out=difference)
            multiply(z, difference, out=h)
            add(h, n, out=h)

    def _steps_back(self) -> None:
        matmul, add, multiply = np.matmul, np.add, np.multiply
        weight, carry, of_step = self.weight_hh, self.carry, self.of_step
        self._slopes()
        for delta, dh, dh_each, slope, du_by_gate, du, z in self.walk_back:
            add(delta, carry, out=dh)
            multiply(dh_each, slope, out=du_by_gate)
            matmul(du, weight, out=carry)
            multiply(dh, z, out=of_step)
            add(carry, of_step, out=carry)
        two = 2 * self.hidden
        np.copyto(self.d_ih[..., :two], self.d_hh[..., :two])
        multiply(self.dh, self.n_slope, out=self.d_ih[..., two:])

    def _slopes(self) -> None:
        """What dh_t is multiplied by, of all steps at once: it does not depend on later steps."""
        multiply, subtract = np.multiply, np.subtract
        n_slope, two = self.n_slope, 2 * self.hidden
        r, _ = blocks(self.gate, self.hidden)
        of_r, of_z, of_n = blocks(self.slope, self.hidden)
        of_gates = self.slope[..., :two]
        multiply(self.n, self.n, out=n_slope)
        subtract(1, n_slope, out=n_slope)
        subtract(1, self.gate, out=of_gates)
        multiply(n_slope, of_z, out=n_slope)
        multiply(of_gates, self.gate, out=of_gates)
        multiply(of_r, n_slope, out=of_r)
        multiply(of_r, self.u[..., two:], out=of_r)
        multiply(of_z, self.difference, out=of_z)
        multiply(n_slope, r, out=of_n)


def _cut(steps: list[Array], at: int) -> tuple[list[Array], list[Array]]:
    """Every step's rows in two parts, views."""
    return [step[..., :at] for step in steps], [step[..., at:] for step in steps]
