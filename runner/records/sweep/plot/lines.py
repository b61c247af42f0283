"""One key: the last loss and the worst roundings over its values, with the spread over the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.plots.style import BLACK, BLUE, GREY, grid, plain
from runner.records.sweep.jobs import Job
from runner.records.sweep.plot.marks import (
    LONGEST,
    MARKS,
    Measure,
    is_wide,
    last_loss,
    name_below_title,
    new_plot,
    on_top,
    outcome_legend,
    roundings,
    size_of,
    worded,
)
from runner.records.sweep.plot.places import FEW, Places, is_numeric, places_of, sorted_values, with_room
from runner.records.sweep.summary import OUTCOMES, QUANTILES

COLUMN = 0.3
"""How wide the spread over the seeds is drawn, of the way to the next category."""

SPAN, LETTER = 6.0, 0.075
"""Inches: from the first value to the last, and a letter beside a tick."""

SHORT = 300.0
"""A log axis that spans less has a tick at 3 in each decade, too."""


def lines(jobs: Sequence[Job], key: str, title: str) -> Figure:
    """A panel for the loss and one for the roundings, over the values of ``key``."""
    figure = new_plot(f"Last loss and worst roundings over {key}", 5.5)
    values = sorted_values(jobs, key)
    places = places_of(values)
    panels = grid(figure, 2, 1, sharex=True)
    several = len(values) < len(jobs)
    for axes, measure in zip(panels, (last_loss(jobs), roundings(jobs)), strict=True):
        _draw(axes, jobs, key, places, measure, several)
    name_below_title(panels[0], title)
    _key_axis(panels[-1], places, key)
    more: list[Any] = []
    if roundings(jobs).values:
        more.append(Line2D([], [], color=BLACK, linewidth=0.8, linestyle="--", label=f"limit of agreement, {LIMIT:g}"))
    if several:
        more += [Line2D([], [], color=BLUE, label="median"), Patch(color=BLUE, alpha=0.35, label="25 to 75 %")]
        more += [Patch(color=BLUE, alpha=0.15, label="5 to 95 %")]
    outcome_legend(figure, jobs, more)
    return figure


def _draw(axes: Axes, jobs: Sequence[Job], key: str, places: Places, measure: Measure, several: bool) -> None:
    at = places.at
    found: dict[float, list[float]] = {x: [] for x in at.values()}
    for job in jobs:
        if job.number in measure.values:
            found[at[job.values.get(key)]].append(measure.values[job.number])
    if places.kind != "categories":
        _curve(axes, found, several)
    elif several:
        _columns(axes, found)
    for outcome in OUTCOMES:
        mine = [job for job in jobs if job.outcome == outcome]
        marker, color = MARKS[outcome]
        look: dict[str, Any] = {"color": color, "markersize": size_of(outcome), "zorder": on_top(outcome)}
        there = [(at[j.values.get(key)], measure.values[j.number]) for j in mine if j.number in measure.values]
        if there:
            axes.plot(*zip(*there, strict=True), marker, gid=outcome, **look)
        lost = [at[j.values.get(key)] for j in mine if j.number not in measure.values]
        if lost:
            edge = axes.get_xaxis_transform()
            axes.plot(lost, np.ones(len(lost)), marker, transform=edge, clip_on=False, gid=f"no {outcome}", **look)
    _value_axis(axes, [v for values in found.values() for v in values], measure)
    axes.set_ylabel(plain(measure.label))
    axes.grid(axis="y", color=GREY, alpha=0.25)


def _quantiles(values: Sequence[float]) -> Array:
    """Shape (5,); NaN where there are no values."""
    return np.quantile(values, list(QUANTILES.values())) if values else np.full(len(QUANTILES), np.nan)


def _curve(axes: Axes, found: Mapping[float, Sequence[float]], several: bool) -> None:
    """The median over numbers, with ``several`` seeds in bands; both end before a number without a figure."""
    low, lower, median, upper, high = np.array([_quantiles(values) for values in found.values()]).T
    axes.plot(list(found), median, color=BLUE, zorder=2)
    if several:
        axes.fill_between(list(found), low, high, color=BLUE, alpha=0.15, linewidth=0)
        axes.fill_between(list(found), lower, upper, color=BLUE, alpha=0.25, linewidth=0)


def _columns(axes: Axes, found: Mapping[float, Sequence[float]]) -> None:
    """The same for categories, each on its own: there is nothing between them."""
    for place, values in found.items():
        if values:
            low, lower, median, upper, high = _quantiles(values)
            axes.bar(place, high - low, COLUMN, low, color=BLUE, alpha=0.15, linewidth=0)
            axes.bar(place, upper - lower, COLUMN, lower, color=BLUE, alpha=0.25, linewidth=0)
            axes.plot([place - COLUMN / 2, place + COLUMN / 2], [median, median], color=BLUE, zorder=2, gid="median")


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


def _key_axis(axes: Axes, places: Places, key: str) -> None:
    """A tick at every value if they are few, and a label where there is room; of many categories at some."""
    values, at, categories = list(places.at), list(places.at.values()), places.kind == "categories"
    if places.kind == "log":
        axes.set_xscale("log")
    if len(values) <= FEW or categories:
        every = -(-len(values) // FEW)
        words = [plain(worded(value), LONGEST) if i % every == 0 else "" for i, value in enumerate(values)]
        middles = SPAN * places.shares()
        halves = np.array([LETTER * (len(word) + 1) / 2 for word in words])
        room = with_room(list(middles - halves), list(middles + halves))
        if categories and len(room) < len(values):
            axes.tick_params(axis="x", rotation=20)
        else:
            words = [word if i in room else "" for i, word in enumerate(words)]
        axes.set_xticks(at, words, minor=False)
        axes.minorticks_off()
    axes.set_xlabel(plain(f"{key} (not to scale)" if categories and is_numeric(values) else key))
