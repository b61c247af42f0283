"""Two keys: a cell for each pair of values."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.records.plots.style import plain
from runner.records.sweep.jobs import Job
from runner.records.sweep.plot.marks import (
    LONGEST,
    MARKS,
    gravest,
    most_telling,
    name_below_title,
    new_plot,
    outcome_legend,
    worded,
)
from runner.records.sweep.plot.places import sorted_values
from runner.records.sweep.summary import combinations
from runner.records.sweep.tables import others

NUMBERS = 12
"""Up to so many columns there is room for a number in each cell."""

MARK = 6.5
"""Points; smaller where cells are."""
SMALL = 4.0
"""Points; of smaller marks only those are drawn that stand for no agreement."""


def matrix(jobs: Sequence[Job], keys: Sequence[str], title: str) -> Figure:
    """The measure by colour and number, the gravest outcome by a mark; over the seeds the median."""
    down, across = others(keys)
    rows, columns = sorted_values(jobs, down), sorted_values(jobs, across)
    if len(rows) > len(columns):
        (down, rows), (across, columns) = (across, columns), (down, rows)
    measure = most_telling(jobs)
    cells = combinations(jobs, [down, across])
    several = len(cells) < len(jobs)
    words = f"{'Median over the seeds of the ' if several else ''}{measure.label}"
    height = min(0.55 * len(rows), 8.0)
    size = float(np.clip(36.0 * min(height / len(rows), 6.0 / len(columns)), 2.0, MARK))
    figure = new_plot(words, 2.2 + height)
    axes = figure.subplots()
    name_below_title(axes, title)
    table = np.array([[measure.of(cells.get((r, c), [])) for c in columns] for r in rows])
    scale = measure.scale()
    colours = matplotlib.colormaps["viridis"].with_extremes(bad="#d9d9d9")
    image = axes.imshow(np.ma.masked_invalid(table), norm=scale, cmap=colours, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        alike = cells.get((rows[i], columns[j]), [])
        if alike:
            _mark(axes, i, j, gravest(alike), size, len(columns) <= NUMBERS)
        if np.isfinite(value) and len(columns) <= NUMBERS:
            ink = "black" if float(scale(value)) > 0.55 else "white"
            axes.text(j + 0.08, i, f"{value:.3g}", ha="center", va="center", color=ink, fontsize=8)
    for axis, key, values in ((axes.yaxis, down, rows), (axes.xaxis, across, columns)):
        every = -(-len(values) // 25)
        axis.set_ticks(range(0, len(values), every), [plain(worded(v), LONGEST) for v in values[::every]])
        axis.set_label_text(plain(key))
    if max(len(worded(v)) for v in columns) * len(columns) > 70:
        axes.tick_params(axis="x", rotation=30)
    axes.spines[:].set_visible(False)
    if measure.values:
        figure.colorbar(image, ax=axes, label=plain(measure.label), fraction=0.05, pad=0.02)
    outcome_legend(figure, jobs)
    return figure


def _mark(axes: Axes, row: int, column: int, outcome: str, size: float, beside: bool) -> None:
    """The outcome's mark on a white ground, ``beside`` a number or in the cell's midst."""
    if size < SMALL and outcome == "agree":
        return
    marker, color = MARKS[outcome]
    x = column - 0.3 if beside else column
    axes.plot(x, row, "o", color="white", markersize=1.7 * size, zorder=2)
    axes.plot(x, row, marker, color=color, markersize=size, zorder=3, gid=outcome)
