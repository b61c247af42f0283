"""What a run carries from one step to the next: all that is needed to go on with it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.backends.base import Given, State
from runner.comparison.drift import Measured
from runner.comparison.summary import RunVerdict
from runner.comparison.verdict import Memory
from runner.evaluation import Epoch, Sums


@dataclass
class Progress:
    """How far a run has come, and what it has come to.

    Attributes:
        verdict: Of the steps so far.
        step: The number of the next step; once the run has ended, of the step that was its last or follows that.
        updates: How often the backends have been updated.
        ended: Whether the last step is done, be it that the run ends with it.
        losses: The first and the last recorded loss of each backend.
        case: What the first step was given that was a mismatch.
        epoch: The last that was evaluated.
    """

    verdict: RunVerdict
    step: int = 0
    updates: int = 0
    ended: bool = False
    losses: dict[str, tuple[float, float]] = field(default_factory=dict)
    case: Given | None = None
    epoch: Epoch | None = None


@dataclass(frozen=True)
class Carried:
    """A run between two steps. Its arrays belong to the run, and hold until it goes on.

    Attributes:
        progress: How far it has come.
        states: What each backend carries.
        masks: The state of NumPy's generator of the masks, as NumPy gives it.
        train: The sums of the epoch that goes on.
        drift: The distances so far; empty with lockstep.
        judge: What the judge has in mind.
    """

    progress: Progress
    states: Mapping[str, State]
    masks: Mapping[str, Any]
    train: dict[str, Sums]
    drift: Measured
    judge: Memory
