"""Clipping by norm: all gradients scaled together where they are too long (torch.nn.utils.clip_grad_norm_)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, isinf
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, in_single, working
from runner.clipping.base import Clip
from runner.errors import ConfigError
from runner.optimizers.arithmetic import Arithmetic
from runner.optimizers.ranges import from_zero

if TYPE_CHECKING:
    import torch

SMALL = 1e-6
"""What torch adds to the norm that it divides by."""


@dataclass(frozen=True, kw_only=True)
class NormClip(Clip):
    """To ``max_norm``; ``norm_type`` 2 is the root of the sum of squares, inf the largest absolute value."""

    max_norm: float
    norm_type: float

    def check(self) -> None:
        from_zero(max_norm=self.max_norm)
        if self.norm_type not in (2.0, inf):
            raise ConfigError("norm_type", self.norm_type, "2.0 or inf")

    def scratch(self, gradients: Array) -> ScratchNormClip:
        return ScratchNormClip(self, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter]) -> Callable[[], None]:
        import torch

        clipped = list(parameters)

        def clip() -> None:
            torch.nn.utils.clip_grad_norm_(clipped, self.max_norm, norm_type=self.norm_type)

        return clip


class ScratchNormClip:
    """g (*replicas, parameters), its norm n and the factor c (*replicas, 1).

    n = sqrt(the sum of g g) if norm_type is 2;  n = the largest |g| if norm_type is inf;
    c = min(max_norm / (n + 1e-6), 1);  g <- c g.

    Derived in docs/derivations/clipping.md.
    """

    def __init__(self, clip: NormClip, gradients: Array) -> None:
        self.gradients = gradients
        self.n = np.empty_like(gradients[..., :1])
        self.sum = working(self.n)
        self.sizes = np.empty_like(gradients) if isinf(clip.norm_type) else None
        self.vecdot = in_single(np.vecdot, gradients.dtype)
        arithmetic = Arithmetic(self.n)
        self.max_norm, self.small = arithmetic.number(clip.max_norm), arithmetic.rounded(SMALL)

    def __call__(self) -> None:
        g, n = self.gradients, self.n
        if self.sizes is None:
            self.vecdot(g, g, out=self.sum[..., 0])
            np.sqrt(self.sum, out=n)
        else:
            np.maximum.reduce(np.absolute(g, out=self.sizes), axis=-1, keepdims=True, out=n)
        np.add(n, self.small, out=n)
        np.reciprocal(n, out=n)  # and times max_norm, as torch divides a number by a tensor
        np.multiply(n, self.max_norm, out=n)
        np.minimum(n, 1, out=n)
        np.multiply(g, n, out=g)
