"""A loss of one's own with no more than it has to have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.experiment import run_experiment
from runner.losses.base import Loss
from runner.outcome import Silent
from tests.helpers import make_setup

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class HalfOfSquares(Loss):
    """L = sum (p - y)^2 / 2."""

    factor: float
    """What its gradient is multiplied by: 1 is right."""

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> ScratchHalfOfSquares:
        return ScratchHalfOfSquares(shape, empty, replicas, self.factor)

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return ((prediction - y) ** 2).sum() / 2


class ScratchHalfOfSquares:
    def __init__(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int, factor: float) -> None:
        self.dp, self.squares, self.loss = empty(shape), empty(shape), empty(shape[:replicas])
        self.flat, self.factor = self.squares.reshape(*shape[:replicas], -1), factor

    def forward(self, prediction: Array, y: Array) -> Array:
        np.subtract(prediction, y, out=self.dp)
        np.square(self.dp, out=self.squares)
        np.add.reduce(self.flat, axis=-1, out=self.loss)
        return np.divide(self.loss, 2, out=self.loss)

    def backward(self) -> Array:
        return np.multiply(self.dp, self.factor, out=self.dp)


def test_a_loss_of_ones_own_without_a_formula_is_judged_and_its_mistake_is_explained() -> None:
    setup = make_setup("architecture.hidden=[3]", "data.samples=2")
    for factor, verdict in ((1.0, "agree"), (-1.0, "mismatch")):
        problem = replace(setup.problem, loss=HalfOfSquares(factor=factor))
        outcome = run_experiment(replace(setup, problem=problem), Silent())
        assert outcome.verdict.verdict == verdict
    explanation = outcome.verdict.explanations["scratch"]
    assert "loss_sign" in explanation.cause
    assert any(Loss.formula in cause.formula for cause in explanation.causes)
