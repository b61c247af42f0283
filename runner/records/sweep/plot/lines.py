"""One key: the last loss and the worst roundings over its values, with the spread over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from runner.comparison.constants import LIMIT
from runner.records.plots.style import BLACK, BLUE, GREY, grid, plain
from runner.records.sweep.jobs import Job
from runner.records.sweep.plot.marks import (
    LONGEST,
    MARKS,
    Measure,
    is_geometric,
    is_numeric,
    is_wide,
    last_loss,
    name_below_title,
    new_plot,
    outcome_legend,
    roundings,
    sorted_values,
    worded,
)
from runner.records.sweep.summary import OUTCOMES, QUANTILES
from runner.records.sweep.values import Value

FEW = 12
"""So many values have a tick each."""

SHORT = 300.0
"""A log axis that spans less has a tick at 3 in each decade, too."""


def lines(jobs: Sequence[Job], key: str, title: str) -> Figure:
    """A panel for the loss and one for the roundings, over the values of ``key``."""
    figure = new_plot(f"Last loss and worst roundings over {key}", 5.5)
    values = sorted_values(jobs, key)
    numeric = is_numeric(values)
    at: dict[Value, float] = {v: float(v) if numeric and v is not None else i for i, v in enumerate(values)}
    panels = grid(figure, 2, 1, sharex=True)
    several = len(values) < len(jobs)
    for axes, measure in zip(panels, (last_loss(jobs), roundings(jobs)), strict=True):
        _draw(axes, jobs, key, at, measure, several)
    name_below_title(panels[0], title)
    _key_axis(panels, values, at, numeric, key)
    more: list[Any] = []
    if roundings(jobs).values:
        more.append(Line2D([], [], color=BLACK, linewidth=0.8, linestyle="--", label=f"limit of agreement, {LIMIT:g}"))
    if several:
        more += [Line2D([], [], color=BLUE, label="median"), Patch(color=BLUE, alpha=0.35, label="25 to 75 %")]
        more += [Patch(color=BLUE, alpha=0.15, label="5 to 95 %")]
    outcome_legend(figure, jobs, more)
    return figure


def _draw(axes: Axes, jobs: Sequence[Job], key: str, at: dict[Value, float], measure: Measure, several: bool) -> None:
    found = {
        x: [measure.values[j.number] for j in jobs if at[j.values.get(key)] == x and j.number in measure.values]
        for x in at.values()
    }
    shown = {x: values for x, values in found.items() if values}
    if shown:
        places = list(shown)
        low, lower, median, upper, high = np.array([np.quantile(v, list(QUANTILES.values())) for v in shown.values()]).T
        axes.plot(places, median, color=BLUE, zorder=2)
        if several:
            axes.fill_between(places, low, high, color=BLUE, alpha=0.15, linewidth=0)
            axes.fill_between(places, lower, upper, color=BLUE, alpha=0.25, linewidth=0)
    for outcome in OUTCOMES:
        mine = [job for job in jobs if job.outcome == outcome]
        marker, color = MARKS[outcome]
        there = [(at[j.values.get(key)], measure.values[j.number]) for j in mine if j.number in measure.values]
        if there:
            axes.plot(*zip(*there, strict=True), marker, color=color, markersize=5, zorder=3, gid=outcome)
        lost = [at[j.values.get(key)] for j in mine if j.number not in measure.values]
        if lost:
            edge = axes.get_xaxis_transform()
            axes.plot(lost, np.ones(len(lost)), marker, color=color, transform=edge, clip_on=False, gid=f"no {outcome}")
    _value_axis(axes, [v for values in shown.values() for v in values], measure)
    axes.set_ylabel(plain(measure.label))
    axes.grid(axis="y", color=GREY, alpha=0.25)


def _value_axis(axes: Axes, values: Sequence[float], measure: Measure) -> None:
    """A log axis for what spans much, and for roundings, with the limit in it; its ticks are plain numbers."""
    if not values:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no job has any", transform=axes.transAxes, ha="center", color=GREY)
        return
    if measure.limit is not None:
        axes.axhline(measure.limit, color=BLACK, linewidth=0.8, linestyle="--", zorder=1)
    shown = [*values, measure.limit or values[0]]
    if min(shown) > 0 and (measure.limit is not None or is_wide(np.array(values))):
        axes.set_yscale("log")
        narrow = max(shown) < SHORT * min(shown)
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if narrow else (1.0,), numticks=8))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _key_axis(panels: Sequence[Axes], values: Sequence[Value], at: dict[Value, float], numeric: bool, key: str) -> None:
    axes = panels[-1]
    if numeric and is_geometric(list(at.values())):
        axes.set_xscale("log")
    if len(values) <= FEW:
        axes.set_xticks(list(at.values()), [plain(worded(v), LONGEST) for v in values], minor=False)
        axes.minorticks_off()
        if not numeric:
            axes.tick_params(axis="x", rotation=20)
    axes.set_xlabel(plain(key))
