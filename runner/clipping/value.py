"""Clipping by value: every gradient within plus and minus a bound (torch.nn.utils.clip_grad_value_)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array
from runner.clipping.base import Clip
from runner.optimizers.ranges import from_zero

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class ValueClip(Clip):
    """Elementwise, at ``clip_value``."""

    clip_value: float

    def check(self) -> None:
        from_zero(clip_value=self.clip_value)

    def scratch(self, gradients: Array) -> ScratchValueClip:
        return ScratchValueClip(self, gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter]) -> Callable[[], None]:
        import torch

        clipped = list(parameters)
        return lambda: torch.nn.utils.clip_grad_value_(clipped, self.clip_value)


class ScratchValueClip:
    """g (*replicas, parameters).  g <- min(max(g, -clip_value), clip_value).

    Derived in docs/derivations/clipping.md.
    """

    def __init__(self, clip: ValueClip, gradients: Array) -> None:
        self.gradients = gradients
        self.low, self.high = (
            np.asarray(bound).astype(gradients.dtype) for bound in (-clip.clip_value, clip.clip_value)
        )

    def __call__(self) -> None:
        np.maximum(self.gradients, self.low, out=self.gradients)
        np.minimum(self.gradients, self.high, out=self.gradients)
