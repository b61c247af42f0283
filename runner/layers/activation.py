"""What the passes of elementwise activations share: buffers, and delta times a slope."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers

FAR = 40.0
"""A z beyond which 1 - sigmoid(z), or what else vanishes at infinity, is 0 in every dtype.

What multiplies such a 0 is z up to there: z alone would make much of the digits that 1 - sigmoid(z) has lost, while
what is lost is less than one of 1.
"""


class ElementwisePass(ABC):
    """z, a and delta of one shape; a subclass gives a and the slope da/dz, and dz = delta times the slope."""

    def __init__(self, buffers: Buffers) -> None:
        self.a = buffers.empty(buffers.input_shape)
        self.slope = buffers.empty(buffers.input_shape)
        self.dz = buffers.empty(buffers.input_shape)

    @abstractmethod
    def forward(self, z: Array) -> Array:
        """Writes ``a`` and returns it."""

    @abstractmethod
    def slopes(self) -> Array:
        """Writes ``slope``, the derivative at the last z, and returns it."""

    def backward(self, delta: Array) -> Array:
        return np.multiply(delta, self.slopes(), out=self.dz)
