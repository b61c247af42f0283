"""Three keys and more: an axis each, and a line for each combination of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from runner.records.plots.style import BLACK, GREY, log_ticks, plain, short
from runner.records.sweep.jobs import Job
from runner.records.sweep.plot.marks import (
    MARKS,
    gravest,
    most_telling,
    name_below_title,
    new_plot,
    on_top,
    outcome_legend,
    size_of,
    worded,
)
from runner.records.sweep.plot.places import places_of, sorted_values, with_room
from runner.records.sweep.summary import combinations
from runner.records.sweep.tables import others
from runner.records.sweep.values import Value

FEW = 60
"""Lines; more are drawn fainter."""
BAND = 0.4
"""The lines through a value are spread over this part of the way to the next, by what is measured."""
TICKS = 9
"""At most, on an axis."""
LINE = 0.06
"""Of an axis: the height of a label."""
LONGEST = 16
"""Letters of a value beside its tick."""


@dataclass(frozen=True)
class Scale:
    """Where the values of a key lie on its axis, from 0 to 1."""

    at: Mapping[Value, float]

    @property
    def band(self) -> float:
        """How wide the lines through one value are spread."""
        heights = sorted(self.at.values())
        return BAND * float(np.diff(heights).min()) if len(heights) > 1 else BAND

    @classmethod
    def of(cls, values: Sequence[Value]) -> Scale:
        """Numbers by their size where that tells them apart, all else in equal steps."""
        return cls(dict(zip(values, places_of(values).shares().tolist(), strict=True)))


def parallel(jobs: Sequence[Job], keys: Sequence[str], title: str) -> Figure:
    """The measure by the line's colour and on the last axis, the gravest outcome by the mark at the line's end."""
    measure = most_telling(jobs)
    shown = others(keys)
    several = len(combinations(jobs, keys)) < len(jobs)
    words = f"{measure.label} over {len(shown)} keys{', the median over the seeds' if several else ''}"
    figure = new_plot(words, 5.0)
    axes = figure.subplots()
    name_below_title(axes, title)
    scales = [Scale.of(sorted_values(jobs, key)) for key in shown]
    norm, colours = measure.scale(), matplotlib.colormaps["viridis"]
    groups = sorted(combinations(jobs, keys).items(), key=lambda item: np.nan_to_num(measure.of(item[1]), nan=-np.inf))
    faint = 1.0 if len(groups) <= FEW else max(0.25, FEW / len(groups))
    for place, (combination, alike) in enumerate(groups):
        aside = (place + 0.5) / len(groups) - 0.5
        heights = [scale.at[value] + aside * scale.band for scale, value in zip(scales, combination, strict=True)]
        value, outcome = measure.of(alike), gravest(alike)
        known = bool(np.isfinite(value))
        heights += [float(norm(value))] if known else []
        color, style = (colours(heights[-1]), "-") if known else (GREY, ":")
        axes.plot(range(len(heights)), heights, color=color, linestyle=style, alpha=faint, linewidth=1.0, zorder=2)
        marker, color = MARKS[outcome]
        axes.plot(
            len(heights) - 1,
            heights[-1],
            marker,
            color=color,
            markersize=size_of(outcome),
            zorder=on_top(outcome),
            gid=outcome,
        )
    for i, scale in enumerate(scales):
        _axis(axes, i, scale)
    axes.axvline(len(shown), color=BLACK, linewidth=0.8)
    axes.set_xticks(range(len(shown) + 1), [*(plain(key, 24) for key in shown), plain(measure.label, 24)])
    axes.set(
        yticks=[],
        xlim=(-0.3, len(shown) + 0.35),
        ylim=(-0.3, 1.3) if max(s.band for s in scales) > 0.3 else (-0.1, 1.1),
    )
    axes.spines[:].set_visible(False)
    if measure.values:
        _figures(axes, len(shown), norm)
        figure.colorbar(
            matplotlib.cm.ScalarMappable(norm, colours), ax=axes, label=plain(measure.label), fraction=0.05, pad=0.02
        )
    outcome_legend(figure, jobs)
    return figure


def _figures(axes: Axes, i: int, norm: Normalize) -> None:
    """Those of what is measured, beside its axis."""
    assert norm.vmin is not None
    assert norm.vmax is not None
    low, high = norm.vmin, norm.vmax
    if isinstance(norm, LogNorm):
        ticks = log_ticks(np.log10(low), np.log10(high))
    else:
        ticks = [tick for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high] if low < high else [low]
    for tick in ticks:
        place = (i, float(norm(tick)))
        axes.annotate(short(tick), place, (6, 0), textcoords="offset points", ha="left", va="center", fontsize=8)


def _axis(axes: Axes, i: int, scale: Scale) -> None:
    axes.axvline(i, color=BLACK, linewidth=0.8, zorder=1)
    every = -(-len(scale.at) // TICKS)
    ticks = list(scale.at.items())[::every]
    for value, height in (ticks[place] for place in with_room([h for _, h in ticks], [h + LINE for _, h in ticks])):
        axes.annotate(
            plain(worded(value), LONGEST),
            (i, height),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
            zorder=3,
        )
