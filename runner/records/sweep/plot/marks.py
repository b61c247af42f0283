"""What the plots of a sweep share: the mark of each outcome, the axis of a key, and what is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, WIDTH, YELLOW, plain
from runner.records.sweep.jobs import Job
from runner.records.sweep.summary import OUTCOMES
from runner.records.sweep.values import Value

MARKS: Mapping[str, tuple[str, str]] = {
    "agree": ("o", GREEN),
    "imprecise": ("^", YELLOW),
    "mismatch": ("X", ORANGE),
    "undecided": ("s", BLUE),
    "diverged": ("*", PURPLE),
    "rejected": ("D", GREY),
    "unfinished": ("P", BLACK),
}
"""Shape and colour of each outcome."""

SPREAD = 30.0
"""Values that span more than this factor are shown on a log scale."""

LONGEST = 22
"""Letters of a value on an axis."""


@dataclass(frozen=True)
class Measure:
    """What is shown of each job: ``values`` by number, of those that have it; up to ``limit`` jobs agree."""

    label: str
    values: Mapping[int, float]
    limit: float | None = None

    def of(self, jobs: Iterable[Job]) -> float:
        """The median over some jobs; NaN where none has it."""
        found = [self.values[job.number] for job in jobs if job.number in self.values]
        return float(np.median(found)) if found else float("nan")

    def scale(self) -> Normalize:
        """The colours' scale, from the smallest to the largest."""
        found = np.array(list(self.values.values()))
        if is_wide(found):
            return LogNorm(found.min(), found.max())
        return Normalize(found.min(), found.max()) if len(found) else Normalize(0, 1)


def roundings(jobs: Sequence[Job]) -> Measure:
    """The worst roundings of each job."""
    figures = {job.number: job.measures() for job in jobs}
    return Measure("worst roundings", {n: f["roundings"] for n, f in figures.items() if "roundings" in f}, LIMIT)


def last_loss(jobs: Sequence[Job]) -> Measure:
    """The reference's last loss of each job."""
    names = {job.backends[-1] for job in jobs if job.backends}
    label = f"last loss of {names.pop()}" if len(names) == 1 else "last loss of the reference"
    return Measure(label, {job.number: job.last_loss for job in jobs if job.last_loss is not None})


def most_telling(jobs: Sequence[Job]) -> Measure:
    """The last loss where all agree, which leaves nothing to see in the roundings; else the roundings."""
    return last_loss(jobs) if all(job.outcome == "agree" for job in jobs) else roundings(jobs)


def gravest(jobs: Iterable[Job]) -> str:
    """The worst outcome of some jobs."""
    return max((job.outcome for job in jobs), key=OUTCOMES.index)


def size_of(outcome: str) -> float:
    """Of its mark, in points: what is to be noticed is not lost among the many that agree."""
    return 5.0 if outcome == "agree" else 7.0


def on_top(outcome: str) -> float:
    """Where its mark is drawn, so that a graver one is never hidden by a lesser: above lines and their labels."""
    return 4.0 + OUTCOMES.index(outcome) / 10


def new_plot(title: str, height: float) -> Figure:
    """A figure with its title."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(plain(title[0].upper() + title[1:], 100), fontsize=11)
    return figure


def name_below_title(axes: Axes, name: str) -> None:
    """The sweep's name above the first panel, in small letters."""
    axes.set_title(plain(name, 90), fontsize=7, color=GREY)


def is_wide(values: Array) -> bool:
    """Whether positive values span so much that a log scale shows them better."""
    return bool(len(values) and values.min() > 0 and values.max() > SPREAD * values.min())


def worded(value: Value) -> str:
    """A value beside its tick."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def outcome_legend(figure: Figure, jobs: Iterable[Job], more: Sequence[Any] = ()) -> None:
    """What the marks mean, below the plot; only those that are there."""
    present = {job.outcome for job in jobs}
    handles = [
        Line2D([], [], linestyle="none", marker=MARKS[name][0], markersize=6, color=MARKS[name][1], label=name)
        for name in OUTCOMES
        if name in present
    ]
    handles += list(more)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5), frameon=False)
