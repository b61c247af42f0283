"""AdamW: Adam whose weights decay by themselves (torch.optim.AdamW)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from runner.optimizers.adam import Adam


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """As Adam, but ``weight_decay`` shrinks the parameters before the step and is no part of the gradient.

    Derived in docs/derivations/adamw.md.
    """

    decoupled: ClassVar[bool] = True
