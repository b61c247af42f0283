"""What losses of many classes share: class indices as targets, the weights of the classes, and which class is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from runner.arrays import Array, Shape, is_whole
from runner.errors import ConfigError
from runner.losses.reduction import Reduced


@dataclass(frozen=True, kw_only=True)
class OfClasses(Reduced):
    """The last axis of a prediction holds the classes. ``weight``: how much each class counts; null: 1."""

    weight: list[float] | None

    def check(self) -> None:
        super().check()
        if self.weight is not None and not all(isfinite(w) and w >= 0 for w in self.weight):
            raise ConfigError("weight", self.weight, "a list of numbers from 0, or null")

    def fits(self, output_shape: Shape, y: Array) -> None:
        if not output_shape:
            raise ConfigError(
                "architecture", "an output without an axis", "an output whose last axis holds the classes"
            )
        if self.weight is not None and len(self.weight) != output_shape[-1]:
            raise ConfigError(
                "architecture",
                f"an output of {output_shape[-1]} classes",
                f"{len(self.weight)}, as many as loss.weight has numbers",
            )
        if not is_whole(y):
            super().fits(output_shape, y)
            return
        if y.shape[1:] != output_shape[:-1]:
            raise ConfigError(
                "architecture",
                f"an output of shape {output_shape}",
                f"{y.shape[1:]}, that of the class indices, and an axis of classes after it",
            )
        outside = np.argwhere((y < 0) | (y >= output_shape[-1]))
        if len(outside):
            raise ConfigError(
                "target",
                f"a class index {y[tuple(outside[0])]} in sample {outside[0][0]}",
                f"from 0 to {output_shape[-1] - 1}: the network has {output_shape[-1]} outputs",
            )

    def hits(self, prediction: Array, y: Array) -> Array:
        return np.asarray(prediction.argmax(axis=-1) == (y if is_whole(y) else y.argmax(axis=-1)))


class ClassWeights:
    """w (classes), or 1 for each; y (*replicas, batch, *positions), class indices.

    n is 1 for the sum, else the sum of w[y]; for probabilities, which have no y, the number of positions.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, loss: OfClasses) -> None:
        self.rows = prod(shape[replicas:-1]) if loss.reduction == "mean" else 1
        self.n = empty((*shape[:replicas], *[1] * (len(shape) - replicas)))
        self.n_flat = self.n.reshape(shape[:replicas])
        self.weight = None
        self.picked = empty(shape[:-1])
        self.picked[...] = 1
        self.picked_flat = self.picked.reshape(*shape[:replicas], -1)
        if loss.weight is not None:
            self.weight = empty(shape[-1:])
            self.weight[...] = loss.weight
        self.sums = self.weight is not None and loss.reduction == "mean"

    def place(self, y: Array | None) -> None:
        """Writes w[y] into ``picked``, and n; of None, that is of probabilities, n is the number of positions."""
        if self.weight is not None and y is not None:
            np.take(self.weight, y, out=self.picked)
        if self.sums and y is not None:
            np.add.reduce(self.picked_flat, axis=-1, out=self.n_flat)
        else:
            self.n[...] = self.rows
