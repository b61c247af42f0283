"""Mistakes in a long short-term memory."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Pass
from runner.layers.lstm import LSTM, ScratchLSTM
from runner.layers.recurrent import blocks
from tests.faults.passes import WrongPass


class _LSTM(ScratchLSTM):
    """The right one, a line a formula: what is taken back through the cell can be changed."""

    def _steps_back(self) -> None:
        self._slopes()
        carry, dc = np.zeros_like(self.dc), np.zeros_like(self.dc)
        steps = self.walk_back
        for k, (delta, c_slope, _, da, da_of_c, of_c, da_o, of_o) in enumerate(steps):
            dh = delta + carry
            dc = dc + dh * c_slope
            da_of_c[...] = dc[..., None, :] * of_c
            da_o[...] = dh * of_o
            dc = self.carried(dc, k)
            carry = da @ self.weight_hh

    def carried(self, dc: Array, k: int) -> Array:
        """dc for the step before, k being the step's number from the last, 0."""
        raise NotImplementedError


class _CellForgotten(_LSTM):
    def carried(self, dc: Array, k: int) -> Array:
        return 0 * dc


class LSTMCellCarryForgotten(WrongPass):
    """Nothing goes back along the cell, through the states alone."""

    kind = LSTM

    def wrong(self, layer: LSTM, buffers: Buffers) -> Pass:
        return _CellForgotten(layer, buffers)


class _ForgetOfStepBefore(_LSTM):
    def carried(self, dc: Array, k: int) -> Array:
        return np.asarray(dc * self.walk_back[min(k + 1, len(self.walk_back) - 1)][2])


class LSTMForgetGateOfStepBefore(WrongPass):
    """dc goes back through the forget gate of the step before: an index that is off by one."""

    kind = LSTM

    def wrong(self, layer: LSTM, buffers: Buffers) -> Pass:
        return _ForgetOfStepBefore(layer, buffers)


class _CellOfSameStep(ScratchLSTM):
    def _slopes(self) -> None:
        super()._slopes()
        _, f, _, _ = blocks(self.gate, self.hidden)
        blocks(self.slope, self.hidden)[1][...] = self._after(self.c) * f * (1 - f)


class LSTMCellOfSameStep(WrongPass):
    """The forget gate's gradient of the cell after a step in place of that before it."""

    kind = LSTM

    def wrong(self, layer: LSTM, buffers: Buffers) -> Pass:
        return _CellOfSameStep(layer, buffers)


class _CellSlopeMissing(ScratchLSTM):
    def _slopes(self) -> None:
        super()._slopes()
        self.c_slope[...] = blocks(self.gate, self.hidden)[3]


class LSTMCellSlopeMissing(WrongPass):
    """1 - tanh(c)^2 is left out."""

    kind = LSTM

    def wrong(self, layer: LSTM, buffers: Buffers) -> Pass:
        return _CellSlopeMissing(layer, buffers)


class _GatesInOtherOrder(ScratchLSTM):
    """i, f, o, g in place of i, f, g, o, over copies of the parameters."""

    def __init__(self, layer: LSTM, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        self.order = np.split(np.arange(4 * self.hidden), 4)
        self.order[2:] = self.order[:1:-1]
        self.rows = np.concatenate(self.order)

    def forward(self, x: Array) -> Array:
        held = [*self.buffers.parameters.values()]
        right = [np.array(value) for value in held]
        for value in held:
            value[...] = value[self.rows]
        y = super().forward(x)
        for value, kept in zip(held, right, strict=True):
            value[...] = kept
        return y


class LSTMGateOrder(WrongPass):
    """The rows are read as i, f, o, g in the forward pass."""

    kind = LSTM

    def wrong(self, layer: LSTM, buffers: Buffers) -> Pass:
        return _GatesInOtherOrder(layer, buffers)
