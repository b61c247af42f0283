"""Mistakes in what stands between layers: tables of tokens, dropout, shortcuts, lists and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Pass
from runner.layers.dropout import Dropout, ScratchDropout
from runner.layers.embedding import Embedding, ScratchEmbedding
from runner.layers.flatten import Flatten
from runner.layers.residual import Residual, ScratchResidual
from runner.layers.sequential import Sequential
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import WrongPass


class EmbeddingAssigned(WrongBackward):
    """dW[x] = delta: a token that comes again overwrites what it gave before."""

    kind = Embedding

    def spoil(self, t: Site) -> Array:
        t.own.d_weight[t.x] = t.delta
        return t.dx


class EmbeddingMeanOfRepeats(WrongBackward):
    """The mean over a token's places in place of the sum."""

    kind = Embedding

    def spoil(self, t: Site) -> Array:
        counts = np.bincount(t.x.ravel(), minlength=len(t.own.d_weight))
        t.own.d_weight[...] /= np.maximum(counts, 1)[:, None]
        return t.dx


class EmbeddingOffByOne(WrongBackward):
    """The gradient is put into the row after the token's."""

    kind = Embedding

    def spoil(self, t: Site) -> Array:
        t.own.d_weight[...] = np.roll(t.own.d_weight, 1, axis=0)
        return t.dx


class _PaddingLearns(ScratchEmbedding):
    def __init__(self, layer: Embedding, buffers: Buffers) -> None:
        super().__init__(layer, buffers)
        self.padding = None


class EmbeddingPaddingLearns(WrongPass):
    """The row of padding_idx has a gradient like any other."""

    kind = Embedding

    def wrong(self, layer: Embedding, buffers: Buffers) -> Pass:
        return _PaddingLearns(layer, buffers)


class DropoutOtherMask(WrongBackward):
    """Another mask on the way back, as if it were drawn again."""

    kind = Dropout

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.own.noise[..., ::-1])


class DropoutScaleForgotten(WrongBackward):
    """1 / (1 - p) is forgotten on the way back."""

    kind = Dropout

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.own.mask)


class DropoutOnTheWayThereAlone(WrongBackward):
    """What was dropped has a gradient all the same."""

    kind = Dropout

    def spoil(self, t: Site) -> Array:
        return t.delta


class _ScaledByP(ScratchDropout):
    def forward(self, x: Array) -> Array:
        self.noise[...] = self.mask / self.p  # type: ignore[operator]
        return np.multiply(x, self.noise, out=self.y)


class DropoutDividedByP(WrongPass):
    """What is kept is divided by p in place of 1 - p."""

    kind = Dropout

    def wrong(self, layer: Dropout, buffers: Buffers) -> Pass:
        return _ScaledByP(layer, buffers)


class _ShortcutForgotten(ScratchResidual):
    def backward(self, delta: Array) -> Array:
        super().backward(delta)
        return self.f.backward(delta)


class ResidualShortcutForgotten(WrongPass):
    """Nothing goes back past the layers."""

    kind = Residual

    def wrong(self, layer: Residual, buffers: Buffers) -> Pass:
        right: Any = layer.scratch(buffers)
        return _ShortcutForgotten(right.f, right.shortcut, buffers, layer)


class ResidualHalved(WrongBackward):
    """delta is shared out between the layers and the shortcut: half to each."""

    kind = Residual

    def spoil(self, t: Site) -> Array:
        right = t.own.f.backward(t.delta / 2)
        return np.asarray(right + t.delta / 2)


class ResidualLayersForgotten(WrongBackward):
    """Nothing goes back through the layers to what is below them, past them alone."""

    kind = Residual

    def spoil(self, t: Site) -> Array:
        return t.delta


class _InOrder:
    """Goes back through the layers from the first to the last."""

    def __init__(self, own: Any) -> None:
        self.own = own
        own.backwards = own.layers

    def forward(self, x: Array) -> Array:
        return np.asarray(self.own.forward(x))

    def backward(self, delta: Array) -> Array:
        return np.asarray(self.own.backward(delta))


class SequentialBackInOrder(WrongPass):
    """What goes back through a list of layers goes from the first to the last."""

    kind = Sequential

    def wrong(self, layer: Sequential, buffers: Buffers) -> Pass:
        return _InOrder(layer.scratch(buffers))


class SequentialLastAlone(WrongBackward):
    """Nothing goes back beyond the last of a list of layers."""

    kind = Sequential

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.own.layers[-1].backward(t.delta))


class FlattenTransposed(WrongBackward):
    """delta is put back into the axes in Fortran's order."""

    kind = Flatten

    def spoil(self, t: Site) -> Array:
        axes = (0, *range(t.x.ndim - 1, 0, -1))
        shape = tuple(t.x.shape[axis] for axis in axes)
        return np.ascontiguousarray(t.delta.reshape(shape).transpose(axes))


class FlattenLastFirst(WrongBackward):
    """The first axis of the sample comes back in the other order."""

    kind = Flatten

    def spoil(self, t: Site) -> Array:
        return np.ascontiguousarray(t.dx[:, ::-1])
