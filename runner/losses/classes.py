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
    """The last axis of a prediction holds the classes.

    ``weight``: how much each class counts; null: 1. ``ignore_index``: a class index that does not count at all.
    """

    weight: list[float] | None
    ignore_index: int

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
        outside = np.argwhere(((y < 0) | (y >= output_shape[-1])) & (y != self.ignore_index))
        if len(outside):
            raise ConfigError(
                "target",
                f"a class index {y[tuple(outside[0])]} in sample {outside[0][0]}",
                f"from 0 to {output_shape[-1] - 1}: the network has {output_shape[-1]} outputs; or loss.ignore_index, "
                f"{self.ignore_index}",
            )

    def named(self, prediction: Array) -> Array:
        """The class that each prediction (..., classes) names, (...)."""
        return np.asarray(prediction.argmax(axis=-1))

    def hits(self, prediction: Array, y: Array) -> Array:
        found = self.named(prediction)
        return np.asarray((found == y)[y != self.ignore_index] if is_whole(y) else found == y.argmax(axis=-1))


class ClassWeights:
    """w (classes), or 1 for each; y (*replicas, batch, *positions), class indices.

    w[y] is 0 where y is ``ignore_index``. n is 1 for the sum, else the sum of w[y]; for probabilities, which have no y,
    the number of positions.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, loss: OfClasses) -> None:
        self.mean, self.ignore_index = loss.reduction == "mean", loss.ignore_index
        self.rows = prod(shape[replicas:-1]) if self.mean else 1
        self.n = empty((*shape[:replicas], *[1] * (len(shape) - replicas)))
        self.n_flat = self.n.reshape(shape[:replicas])
        self.weight = None
        self.picked = empty(shape[:-1])
        self.ignored = np.empty(shape[:-1], dtype=bool)
        self.any_ignored = False
        self.picked_flat = self.picked.reshape(*shape[:replicas], -1)
        if loss.weight is not None:
            self.weight = empty(shape[-1:])
            self.weight[...] = loss.weight

    def place(self, y: Array | None) -> None:
        """Writes w[y] into ``picked``, what is ``ignored``, and n; y is None of probabilities."""
        self.n[...] = self.rows
        self.any_ignored = False
        if y is None:
            return
        np.equal(y, self.ignore_index, out=self.ignored)
        self.any_ignored = bool(self.ignored.any())
        if self.weight is None:
            self.picked[...] = 1
        else:  # clip: an index that is ignored may be none of a class
            np.take(self.weight, y, out=self.picked, mode="clip")
        if self.any_ignored:
            np.copyto(self.picked, 0, where=self.ignored)
        if self.mean and (self.weight is not None or self.any_ignored):
            np.add.reduce(self.picked_flat, axis=-1, out=self.n_flat)
