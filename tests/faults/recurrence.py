"""Mistakes in recurrent layers without a cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Pass
from runner.layers.gru import GRU, ScratchGRU
from runner.layers.rnn import RNN, ScratchRNN
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import WrongPass


class _CarryCut(ScratchRNN):
    def _steps_back(self) -> None:
        super()._steps_back()
        for delta, slope, da in self.walk_back[1:]:
            np.multiply(delta, slope, out=da)


class RNNCarryCut(WrongPass):
    """Nothing goes back from a step to the one before it."""

    kind = RNN

    def wrong(self, layer: RNN, buffers: Buffers) -> Pass:
        return _CarryCut(layer, buffers)


class _CarryTransposed(ScratchRNN):
    def _steps_back(self) -> None:
        right, self.weight_hh = self.weight_hh, np.ascontiguousarray(self.weight_hh.mT)
        super()._steps_back()
        self.weight_hh = right


class RNNCarryTransposed(WrongPass):
    """What goes back from a step to the one before it goes through W_hh^T."""

    kind = RNN

    def wrong(self, layer: RNN, buffers: Buffers) -> Pass:
        return _CarryTransposed(layer, buffers)


class RNNHiddenOfSameStep(WrongBackward):
    """dW_hh of the state after a step in place of that before it."""

    kind = RNN

    def spoil(self, t: Site) -> Array:
        np.matmul(t.own.d_hh.mT, t.own.h_after, out=t.own.d_weight_hh)
        return t.dx


class RNNOfLastStep(WrongBackward):
    """dW_ih of the last step alone: it is overwritten in place of added."""

    kind = RNN

    def spoil(self, t: Site) -> Array:
        rows = slice(-len(t.x), None)
        np.matmul(t.own.d_ih[rows].mT, t.own.x[rows], out=t.own.d_weight_ih)
        return t.dx


class RNNBiasForgotten(WrongBackward):
    """b_hh has no gradient: it is taken for a second name of b_ih."""

    kind = RNN

    def spoil(self, t: Site) -> Array:
        t.own.d_biases[1][...] = 0
        return t.dx


class _SlopeOfStepAfter(ScratchRNN):
    def _steps_back(self) -> None:
        slopes = [slope for _, slope, _ in self.walk_back]
        right = self.walk_back
        self.walk_back = [(delta, slopes[max(i - 1, 0)], da) for i, (delta, _, da) in enumerate(right)]
        super()._steps_back()
        self.walk_back = right


class RNNSlopeOfStepAfter(WrongPass):
    """The slope is taken from the step after: an index that is off by one."""

    kind = RNN

    def wrong(self, layer: RNN, buffers: Buffers) -> Pass:
        return _SlopeOfStepAfter(layer, buffers)


class _Swapped(ScratchGRU):
    def _steps(self) -> None:
        weight_t = self.weight_hh_t
        b_ih, b_hh = self.biases
        self.a += b_ih
        for a_gates, a_n, u, u_gates, u_n, gate, r, z, n, difference, h_before, h in self.walk:
            u[...] = h_before @ weight_t + b_hh
            gate[...] = 1 / (1 + np.exp(-a_gates - u_gates))
            n[...] = np.tanh(a_n + r * u_n)
            difference[...] = h_before - n
            h[...] = h_before - z * difference


class GRUUpdateSwapped(WrongPass):
    """h = (1 - z) h + z n, as in the paper, in the forward pass: torch has z and 1 - z the other way."""

    kind = GRU

    def wrong(self, layer: GRU, buffers: Buffers) -> Pass:
        return _Swapped(layer, buffers)


class _ResetBeforeProduct(ScratchGRU):
    def _steps(self) -> None:
        super()._steps()
        *_, last = self.walk
        _, a_n, _, _, _, _, r, z, n, difference, h_before, h = last
        two = 2 * self.hidden
        n[...] = np.tanh(a_n + (r * h_before) @ self.weight_hh_t[:, two:] + self.biases[1][..., two:])
        difference[...] = h_before - n
        h[...] = n + z * difference


class GRUResetBeforeProduct(WrongPass):
    """The reset gate stands before the product of W_hh, as in the paper, in the last step's forward pass."""

    kind = GRU

    def wrong(self, layer: GRU, buffers: Buffers) -> Pass:
        return _ResetBeforeProduct(layer, buffers)


class _DirectPathForgotten(ScratchGRU):
    def _steps_back(self) -> None:
        right: Any = self.walk_back
        self.walk_back = [(*step[:-1], 0 * step[-1]) for step in right]
        super()._steps_back()
        self.walk_back = right


class GRUDirectPathForgotten(WrongPass):
    """dh z, what goes back past the gates, is forgotten."""

    kind = GRU

    def wrong(self, layer: GRU, buffers: Buffers) -> Pass:
        return _DirectPathForgotten(layer, buffers)


class GRUBiasesAlike(WrongBackward):
    """db_hh is db_ih: the reset gate is forgotten in it."""

    kind = GRU

    def spoil(self, t: Site) -> Array:
        t.own.d_biases[1][...] = t.own.d_biases[0]
        return t.dx


class GRUInputAsState(WrongBackward):
    """dW_hh of the gradients that belong to W_ih."""

    kind = GRU

    def spoil(self, t: Site) -> Array:
        np.matmul(t.own.d_ih.mT, t.own.h_before, out=t.own.d_weight_hh)
        return t.dx
