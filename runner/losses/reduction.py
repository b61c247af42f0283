"""What losses with a reduction share: the key, the number that is divided by, the sum over all but the replicas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError, choices
from runner.losses.base import Loss


@dataclass(frozen=True, kw_only=True)
class Reduced(Loss):
    """``reduction``: the mean over samples and outputs, or the sum."""

    reduction: str

    reductions: ClassVar[tuple[str, ...]] = ("mean", "sum")

    @property
    def averages(self) -> bool:
        return self.reduction != "sum"

    def check(self) -> None:
        if self.reduction not in self.reductions:
            raise ConfigError("reduction", self.reduction, choices(self.reductions, self.reduction))

    def divisor(self, shape: Shape, replicas: int) -> int:
        """What the sum is divided by, for predictions of ``shape`` with so many axes of replicas."""
        return {"mean": prod(shape[replicas:]), "batchmean": shape[replicas], "sum": 1}[self.reduction]


class ReducedPass(ABC):
    """Terms of the prediction's shape (*replicas, batch, *out), one an output; n as ``Reduced.divisor`` has it.

    The loss is the sum of the terms over n.
    """

    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, n: float) -> None:
        self.n = n
        self.terms = empty(shape)
        self.flat = self.terms.reshape(*shape[:replicas], -1)
        self.dp = empty(shape)
        self.loss = empty(shape[:replicas])

    @abstractmethod
    def forward(self, prediction: Array, y: Array) -> Array:
        """Writes ``terms`` and returns ``reduced()``."""

    def reduced(self) -> Array:
        """The loss of the terms, (*replicas,)."""
        np.add.reduce(self.flat, axis=-1, out=self.loss)
        return np.divide(self.loss, self.n, out=self.loss)
