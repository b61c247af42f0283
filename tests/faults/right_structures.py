"""Windows, tables, recurrence and attention that are right in another way than the project's own."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.layers.avg_pool2d import AvgPool2d
from runner.layers.base import Buffers, Pass
from runner.layers.conv2d import Conv2d, ScratchConv2d
from runner.layers.embedding import Embedding
from runner.layers.gru import GRU, ScratchGRU
from runner.layers.max_pool2d import MaxPool2d
from runner.layers.multi_head_attention import MultiHeadAttention, ScratchMultiHeadAttention
from runner.layers.rnn import RNN
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import WrongPass


class _ByLoops(ScratchConv2d):
    """A sum over the kernel's points, at one position after the other."""

    def __init__(self, buffers: Buffers, layer: Conv2d) -> None:
        super().__init__(buffers, layer)
        self.w, self.dw = buffers.parameters["weight"], buffers.gradients["weight"]
        (self.before, _), (self.step, _) = (
            layer.windows(buffers.sample[1:]).before,
            layer.windows(buffers.sample[1:]).stride,
        )

    def windows(self, padded: Array) -> list[tuple[int, int, Array]]:
        kernel = self.w.shape[-1]
        at = [(i, j, i * self.step, j * self.step) for i in range(self.y.shape[2]) for j in range(self.y.shape[3])]
        return [(i, j, padded[:, :, m : m + kernel, n : n + kernel]) for i, j, m, n in at]

    def forward(self, x: Array) -> Array:
        before = (self.before, self.before)
        self.padded = np.pad(x, ((0, 0), (0, 0), before, before))
        for i, j, window in self.windows(self.padded):
            self.y[:, :, i, j] = np.tensordot(window, self.w, axes=((1, 2, 3), (1, 2, 3)))
        if self.bias is not None:
            self.y += self.bias.reshape(1, -1, 1, 1)
        return self.y

    def backward(self, delta: Array) -> Array:
        self.dw[...] = 0
        d_padded = np.zeros_like(self.padded)
        into = {(i, j): window for i, j, window in self.windows(d_padded)}
        for i, j, window in self.windows(self.padded):
            self.dw += np.tensordot(delta[:, :, i, j], window, axes=((0,), (0,)))
            into[i, j] += np.tensordot(delta[:, :, i, j], self.w, axes=((1,), (0,)))
        if self.d_bias is not None:
            self.d_bias[...] = delta.sum(axis=(0, 2, 3))
        b = self.before
        return np.ascontiguousarray(d_padded[:, :, b : d_padded.shape[2] - b, b : d_padded.shape[3] - b])


class ConvByLoops(WrongPass):
    """One position after the other, without im2col."""

    kind = Conv2d

    def wrong(self, layer: Conv2d, buffers: Buffers) -> Pass:
        return _ByLoops(buffers, layer)


class MaxPoolByArgmax(WrongBackward):
    """The place of each window's largest value is looked for again on the way back."""

    kind = MaxPool2d

    def spoil(self, t: Site) -> Array:
        dx, side = np.zeros_like(t.x), t.x.shape[2] // t.y.shape[2]
        for n, c, i, j in np.ndindex(t.y.shape):
            rows, columns = slice(i * side, (i + 1) * side), slice(j * side, (j + 1) * side)
            k, m = np.unravel_index(t.x[n, c, rows, columns].argmax(), (side, side))
            dx[n, c, i * side + k, j * side + m] = t.delta[n, c, i, j]
        return dx


class AvgPoolByRepeating(WrongBackward):
    """delta is repeated over each window, and divided."""

    kind = AvgPool2d

    def spoil(self, t: Site) -> Array:
        side = t.x.shape[2] // t.y.shape[2]
        return np.asarray(t.delta.repeat(side, axis=2).repeat(side, axis=3) / side**2)


class EmbeddingByProduct(WrongBackward):
    """dW as a product with one-hot rows."""

    kind = Embedding

    def spoil(self, t: Site) -> Array:
        hot = (t.x.reshape(-1, 1) == np.arange(len(t.own.d_weight))).astype(t.delta.dtype)
        t.own.d_weight[...] = hot.T @ t.delta.reshape(len(hot), -1)
        return t.dx


class RNNByLoops(WrongBackward):
    """dW_hh and db of one step after the other, from the last to the first."""

    kind = RNN

    def spoil(self, t: Site) -> Array:
        own = t.own
        own.d_weight_hh[...], own.d_biases[0][...] = 0, 0
        for da, h in list(zip(own._each(own.d_hh), own._each(own.h_before), strict=True))[::-1]:
            own.d_weight_hh += da.T @ h
            own.d_biases[0] += da.sum(axis=0)
        return t.dx


class _InTwoTerms(ScratchGRU):
    def _steps(self) -> None:
        super()._steps()
        *_, z, n, _, h_before, h = self.walk[-1]
        h[...] = (1 - z) * n + z * h_before


class GRUInTwoTerms(WrongPass):
    """h = (1 - z) n + z h, in the last step."""

    kind = GRU

    def wrong(self, layer: GRU, buffers: Buffers) -> Pass:
        return _InTwoTerms(layer, buffers)


class _ByHeads(ScratchMultiHeadAttention):
    def _through_attention(self) -> None:
        for i in np.ndindex(self.p.shape[:-2]):
            p, d_o = self.p[i], self.d_o_heads[i]
            self.dv[i] = p.T @ d_o
            dp = d_o @ self.v[i].T
            ds = np.stack([(np.diag(row) - np.outer(row, row)) @ d for row, d in zip(p, dp, strict=True)])
            self.dq[i], self.dk[i] = ds @ self.k[i] * self.scale, ds.T @ self.q[i]


class AttentionByHeads(WrongPass):
    """One sample and one head after the other, each row's Jacobian written out."""

    kind = MultiHeadAttention

    def wrong(self, layer: MultiHeadAttention, buffers: Buffers) -> Pass:
        return _ByHeads(layer, buffers)
