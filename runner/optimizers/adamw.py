"""AdamW: Adam whose weights decay by themselves (torch.optim.AdamW)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.arrays import Array
from runner.optimizers.adam import Adam, ScratchAdam

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """As Adam, but ``weight_decay`` shrinks the parameters before the step and is no part of the gradient."""

    def scratch(self, parameters: Array, gradients: Array) -> ScratchAdam:
        return ScratchAdam(self, parameters, gradients, decoupled=True)

    def torch(self, parameters: Iterable[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(
            parameters,
            lr=lr,
            betas=(self.betas[0], self.betas[1]),
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            maximize=self.maximize,
        )
