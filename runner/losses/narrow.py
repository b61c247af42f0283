"""A loss's pass in 16 bits: computed in float32, as hardware does, its results rounded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from runner.arrays import Array, Shape, is_narrow, is_whole
from runner.losses.base import Loss, LossPass


def loss_pass(loss: Loss, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> LossPass:
    """The loss's pass over arrays that ``empty`` makes, whatever their dtype."""
    if is_narrow(empty(()).dtype) and not loss.in_narrow:
        return _InSingle(loss, shape, empty, replicas)
    return loss.scratch(shape, empty, replicas)


class _InSingle:
    def __init__(self, loss: Loss, shape: Shape, empty: Callable[[Shape], Array], replicas: int) -> None:
        self.made = loss.scratch(shape, lambda wanted: np.empty(wanted, np.float32), replicas)
        self.loss, self.dp = empty(shape[:replicas]), empty(shape)

    def forward(self, prediction: Array, y: Array) -> Array:
        target = y if is_whole(y) else y.astype(np.float32)
        self.loss[...] = self.made.forward(prediction.astype(np.float32), target)
        return self.loss

    def backward(self) -> Array:
        self.dp[...] = self.made.backward()
        return self.dp
