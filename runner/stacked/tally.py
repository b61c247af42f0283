"""The verdicts on many runs, gathered step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from runner.arrays import Array
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict, TensorSummary
from runner.stacked.judging import Found


@dataclass
class _Worst:
    """The worst that the first look saw of each tensor, (replicas, tensors) each; ``seen``: of whom any."""

    names: tuple[str, ...]
    seen: Array
    max_abs: Array
    roundings: Array
    logic_roundings: Array

    def add(self, found: Found) -> None:
        self.seen |= found.by_look
        rows = found.by_look[:, None]
        for looked in found.looked.values():
            found_now = (looked.deviation.max_abs, looked.precision.roundings, looked.logic.roundings)
            for mine, theirs in zip((self.max_abs, self.roundings, self.logic_roundings), found_now, strict=True):
                np.fmax(mine, theirs, out=mine, where=rows)

    def into(self, tensors: dict[str, TensorSummary], k: int) -> None:
        """Joins replica k's with what is known of it already."""
        if not self.seen[k]:
            return
        for i, name in enumerate(self.names):
            t = tensors.setdefault(name, TensorSummary())
            t.max_abs = float(np.fmax(t.max_abs, self.max_abs[k, i]))
            t.roundings = float(np.fmax(t.roundings, self.roundings[k, i]))
            t.logic_roundings = float(np.fmax(t.logic_roundings, self.logic_roundings[k, i]))


@dataclass
class Tally:
    """A ``RunVerdict`` a replica, of what the first look acquits as arrays, (replicas, ...)."""

    replicas: int
    noise_over: str
    diverged: Array = field(init=False)
    judged_steps: Array = field(init=False)
    _alone: dict[int, RunVerdict] = field(init=False, default_factory=dict)
    _steps: _Worst | None = field(init=False, default=None)
    _updates: _Worst | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.diverged, self.judged_steps = np.zeros(self.replicas, bool), np.zeros(self.replicas, int)

    def add(self, step: int, found: Found) -> None:
        """Takes in one step."""
        self._steps = self._worst(self._steps, found)
        self.judged_steps += found.by_look & found.judged
        for k, comparisons in found.alone.items():
            self._of(k).add(step, comparisons)
            self.diverged[k] = self._of(k).diverged

    def add_update(self, step: int, found: Found) -> None:
        """Takes in what was found after the update that follows a judged step."""
        self._updates = self._worst(self._updates, found)
        for k, comparisons in found.alone.items():
            self._of(k).add_update(step, comparisons)
            self.diverged[k] = self._of(k).diverged

    def take(self, step: int, alone: Mapping[int, list[Comparison]]) -> None:
        """Takes in verdicts, and where they disagree, and nothing else."""
        for k, comparisons in alone.items():
            for comparison in comparisons:
                self._of(k).take(step, comparison)

    def verdicts(self) -> list[RunVerdict]:
        """Each replica's."""
        found = []
        for k in range(self.replicas):
            verdict = self._of(k)
            verdict.judged_steps += int(self.judged_steps[k])
            for worst, tensors in ((self._steps, verdict.tensors), (self._updates, verdict.updates)):
                if worst is not None:
                    worst.into(tensors, k)
            found.append(verdict)
        return found

    def _of(self, k: int) -> RunVerdict:
        return self._alone.setdefault(k, RunVerdict(noise_over=self.noise_over))

    def _worst(self, worst: _Worst | None, found: Found) -> _Worst:
        if worst is None:
            names = found.layout.names
            nothing = (np.full((self.replicas, len(names)), np.nan) for _ in range(3))
            worst = _Worst(names, np.zeros(self.replicas, bool), *nothing)
        worst.add(found)
        return worst
