"""What both of He's laws have in common (He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers")."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, isfinite, sqrt

from runner.arrays import Shape
from runner.errors import ConfigError, choices
from runner.init.weights import Weights, fans

MODES = ("fan_in", "fan_out")
GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": sqrt(2),
    "selu": 3 / 4,
}
"""As in torch.nn.init.calculate_gain; that of leaky_relu depends on its slope."""
LEAKY = "leaky_relu"


@dataclass(frozen=True, kw_only=True)
class Kaiming(Weights):
    """``a``: the slope of leaky_relu where z is not above 0; ``mode``: whose variance is kept, forward or backward."""

    a: float
    mode: str
    nonlinearity: str

    def check(self) -> None:
        if not isfinite(self.a):
            raise ConfigError("a", self.a, "a finite number")
        for key, allowed in (("mode", MODES), ("nonlinearity", (*GAINS, LEAKY))):
            if getattr(self, key) not in allowed:
                raise ConfigError(key, getattr(self, key), choices(allowed, getattr(self, key)))

    def deviation(self, shape: Shape) -> float:
        """gain / sqrt(fan)."""
        gain = sqrt(2) / hypot(1, self.a) if self.nonlinearity == LEAKY else GAINS[self.nonlinearity]
        return gain / sqrt(fans(shape)[MODES.index(self.mode)])
