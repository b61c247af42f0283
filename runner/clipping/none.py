"""No clipping."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.arrays import Array
from runner.clipping.base import Clip

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class NoClip(Clip):
    """Gradients stay as they are."""

    def scratch(self, gradients: Array) -> Callable[[], None]:
        return _nothing

    def torch(self, parameters: Iterable[torch.nn.Parameter]) -> Callable[[], None]:
        return _nothing


def _nothing() -> None:
    pass
