"""What both of Glorot and Bengio's laws have in common (2010, "Understanding the difficulty of training ...")."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from runner.arrays import Shape
from runner.init.weights import Weights, check_gain, fans


@dataclass(frozen=True, kw_only=True)
class Xavier(Weights):
    """``gain``: a factor for what the activation makes of the variance."""

    gain: float

    def check(self) -> None:
        check_gain(self.gain)

    def deviation(self, shape: Shape) -> float:
        """gain sqrt(2 / (fan_in + fan_out))."""
        return self.gain * sqrt(2 / sum(fans(shape)))
