"""What a run tells as it goes on, whoever keeps it, and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from runner.arrays import Array
from runner.backends.base import Given, Step
from runner.carried import Carried
from runner.comparison.drift import Distance, Parting
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict
from runner.evaluation import Epoch


@dataclass(frozen=True)
class Record:
    """One recorded step. The steps' arrays hold until the next step: whoever keeps them copies them.

    ``distances`` are those of the parameters that the step started from, none with lockstep; ``parameters`` are these
    of the reference.
    """

    step: int
    steps: Mapping[str, Step]
    comparisons: list[Comparison]
    distances: list[Distance] = field(default_factory=list)
    parameters: Mapping[str, Array] = field(default_factory=dict)


class Recorder(Protocol):
    """What keeps the records of a run."""

    def progress(self, step: int) -> None:
        """Called before each step, with its number from 0."""
        ...

    def write(self, record: Record) -> None:
        """Called after each recorded step."""
        ...

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        """Called after the update that follows a judged step, with what the backends then carry."""
        ...

    def write_epoch(self, epoch: Epoch) -> None:
        """Called after each epoch that was evaluated."""
        ...

    def checkpoint(self, carried: Carried) -> None:
        """Called every ``checkpoint_every`` steps, and when the last one is done; never where that is None."""
        ...

    def carried(self) -> Carried | None:
        """Asked once, before the first step: what an earlier process has come to in this run; None for nothing."""
        ...


class Silent:
    """A recorder that keeps nothing."""

    def progress(self, step: int) -> None:
        pass

    def write(self, record: Record) -> None:
        pass

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        pass

    def write_epoch(self, epoch: Epoch) -> None:
        pass

    def checkpoint(self, carried: Carried) -> None:
        pass

    def carried(self) -> Carried | None:
        return None


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: its verdict, the first and last recorded losses, and the parameters and
    running averages that it ended with.

    ``distances`` are those of the last parameters, where no record has them; ``drift`` is each backend's over the
    whole run. Both are empty with lockstep. ``case`` is that of the first mismatch, ``epoch`` the last that was
    evaluated.
    """

    verdict: RunVerdict
    losses: Mapping[str, tuple[float, float]]
    final: Mapping[str, Array]
    distances: list[Distance] = field(default_factory=list)
    drift: Mapping[str, Parting] = field(default_factory=dict)
    case: Given | None = None
    epoch: Epoch | None = None
