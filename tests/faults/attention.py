"""Mistakes in multi-head attention."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Layer, Pass
from runner.layers.multi_head_attention import MultiHeadAttention, ScratchMultiHeadAttention
from tests.faults.passes import OtherKeys, WrongPass

Scratch = ScratchMultiHeadAttention


class _WrongAttention(WrongPass):
    kind = MultiHeadAttention
    made: type[Scratch]

    def wrong(self, layer: MultiHeadAttention, buffers: Buffers) -> Pass:
        return self.made(layer, buffers)


class _Unscaled(Scratch):
    def __init__(self, layer: MultiHeadAttention, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        self.scale = 1.0


class AttentionUnscaled(_WrongAttention):
    """The scores are not divided by the root of a head's width."""

    made = _Unscaled


class _ScaledByWidth(Scratch):
    def __init__(self, layer: MultiHeadAttention, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        self.scale = 1 / np.sqrt(buffers.sample[1])


class AttentionScaledByWidth(_WrongAttention):
    """The scores are divided by the root of the whole width, not of a head's."""

    made = _ScaledByWidth


class _ScaleForgotten(Scratch):
    def _through_attention(self) -> None:
        super()._through_attention()
        np.divide(self.dq, self.scale, out=self.dq)


class AttentionScaleForgotten(_WrongAttention):
    """The scale is forgotten in the gradient of the queries."""

    made = _ScaleForgotten


class _OtherSoftmaxGradient(Scratch):
    """dQ and dK of what ``d_scores`` makes of P and dP."""

    def _through_attention(self) -> None:
        super()._through_attention()
        ds = self.d_scores(self.p, self.d_o_heads @ self.v.mT)
        self.dq[...], self.dk[...] = ds @ self.k * self.scale, ds.mT @ self.q

    def d_scores(self, p: Array, dp: Array) -> Array:
        raise NotImplementedError


class _Diagonal(_OtherSoftmaxGradient):
    def d_scores(self, p: Array, dp: Array) -> Array:
        return np.asarray(dp * p * (1 - p))


class AttentionSoftmaxDiagonal(_WrongAttention):
    """Of the softmax's Jacobian only the diagonal."""

    made = _Diagonal


class _OverQueries(_OtherSoftmaxGradient):
    def d_scores(self, p: Array, dp: Array) -> Array:
        return np.asarray(p * (dp - (dp * p).sum(axis=-2, keepdims=True)))


class AttentionSumOverQueries(_WrongAttention):
    """The sum in the softmax's gradient goes over the queries, not the keys."""

    made = _OverQueries


class _Exchanged(Scratch):
    def _through_attention(self) -> None:
        super()._through_attention()
        dq = np.array(self.dq)
        self.dq[...], self.dk[...] = self.dk, dq


class AttentionQueriesAndKeysExchanged(_WrongAttention):
    """The gradients of queries and keys are exchanged."""

    made = _Exchanged


class _ValuesAlone(Scratch):
    def _through_attention(self) -> None:
        super()._through_attention()
        self.dq[...], self.dk[...] = 0, 0


class AttentionValuesAlone(_WrongAttention):
    """Nothing goes back through the weights of the softmax, through the values alone."""

    made = _ValuesAlone


class _MaskedAfterSoftmax(Scratch):
    def _softmax(self) -> None:
        later, self.later = self.later, None
        super()._softmax()
        self.later = later
        assert later is not None
        self.p[..., later] = 0


class AttentionMaskedAfterSoftmax(_WrongAttention):
    """What is later is set to 0 after the softmax, whose weights no longer sum to 1."""

    made = _MaskedAfterSoftmax


class _SeesTheNext(Scratch):
    def __init__(self, layer: MultiHeadAttention, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        positions = buffers.sample[0]
        self.later = np.triu(np.ones((positions, positions), bool), 2)


class AttentionSeesTheNext(_WrongAttention):
    """The causal mask is off by one: a position attends to the one after it."""

    made = _SeesTheNext


class AttentionOneHead(OtherKeys):
    """All heads are one."""

    kind = MultiHeadAttention

    def other(self, layer: MultiHeadAttention) -> Layer:
        return replace(layer, num_heads=1)
