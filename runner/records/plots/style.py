"""What the plots share: colours that the colour-blind can tell apart, plain text, lines with zeros and infinities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from runner.arrays import Array
from runner.records.outline import outline

DPI = 110
WIDTH = 8.0
"""Inches."""

BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, BLACK = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"),
)
"""Of Okabe and Ito's palette."""

GREY = "#767676"

RC: dict[str, Any] = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "svg.hashsalt": "runner",
}

MARKS = 25
"""So many marks at most on a line."""

"""So many points at most on a line."""

LARGEST = 1e300
"""What lies beyond is drawn as not finite: an axis has no room for it."""

LONGEST, LINE = 60, 88
"""Letters of a name, and of a line of the title."""

NAMED = 3
"""Backends that a title names."""

ZERO, NOT_FINITE = "exactly 0", "not finite"

STRIP, ROW, LABEL = 0.22, 0.19, 0.2
"""Inches below the panels: for the run's name, for each row of the legend, for the name of the axis."""


class Look(NamedTuple):
    """How a line is told from its neighbours: by more than its colour."""

    color: str
    marker: str
    linestyle: Any


_LOOKS = (
    Look(BLUE, "o", "-"),
    Look(ORANGE, "s", "--"),
    Look(GREEN, "^", "-."),
    Look(PURPLE, "D", ":"),
    Look(SKY, "v", (0, (5, 1))),
    Look(YELLOW, "P", (0, (3, 1, 1, 1))),
    Look(BLACK, "X", (0, (1, 1))),
)


def looks(count: int) -> list[Look]:
    """So many different looks, as far as there are any."""
    return list(islice(cycle(_LOOKS), count))


def plain(text: str, longest: int = LONGEST) -> str:
    """A user's text to be drawn letter by letter, no formula in it, on one line, the middle of a long one left out."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    if len(shown) > longest:
        shown = f"{shown[: longest // 2]}...{shown[-(longest // 2) :]}"
    return shown.replace("$", r"\$")


def listed(names: Sequence[str]) -> str:
    """Several names in a title, the first of many."""
    few = [plain(name, 30) for name in names[:NAMED]]
    return ", ".join(few if len(names) <= NAMED else [*few, f"{len(names) - NAMED} more"])


def new_figure(title: str, height: float, of_run: str) -> Figure:
    """A figure with its title, and the run's name in small letters below everything."""
    layout = ConstrainedLayoutEngine(rect=(0, STRIP / height, 1, 1 - STRIP / height))
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    figure.suptitle(fill(title, LINE, break_on_hyphens=False), fontsize=11)
    figure.text(0.99, 0.05 / height, plain(of_run, 130), fontsize=7, color=GREY, ha="right", va="bottom")
    return figure


def grid(figure: Figure, count: int, columns: int, **shared: Any) -> list[Axes]:
    """``count`` panels in rows of ``columns`` at most."""
    columns = min(columns, count)
    rows = -(-count // columns)
    panels = list(np.ravel(figure.subplots(rows, columns, squeeze=False, **shared)))
    for empty in panels[count:]:
        empty.remove()
    if shared.get("sharex"):
        for panel in panels[max(0, count - columns) : count]:  # those with none below them
            panel.tick_params(labelbottom=True)
    return panels[:count]


def step_axis(axes: Axes, steps: Array) -> None:
    """From the first to the last of ``steps`` below the panel, with some room."""
    room = max(0.02 * float(steps[-1] - steps[0]), 0.5)
    axes.set_xlim(float(steps[0]) - room, float(steps[-1]) + room)
    axes.xaxis.set_major_locator(whole_numbers())


def whole_numbers() -> MaxNLocator:
    """Where an axis that counts has its ticks."""
    return MaxNLocator(6, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])


def log_axis(axes: Axes, values: Array) -> None:
    """A log axis up the side over the positive ``values``, with some room; its figures are plain text."""
    shown = values[(values > 0) & (values <= LARGEST)]
    low, high = (np.log10(float(v)) for v in ((shown.min(), shown.max()) if len(shown) else (0.1, 1.0)))
    room = max(0.12 * (high - low), 0.02)
    low, high = max(low - room, -323.0), min(high + room, 307.0)
    axes.set_yscale("log")
    axes.set_ylim(10.0**low, 10.0**high)
    axes.yaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float) -> list[float]:
    """Decades between 10^low and 10^high, every so many of a wide range; of a narrow one what is between them too."""
    decades = np.arange(np.ceil(low), np.floor(high) + 1)
    if len(decades) > 2:
        return [float(10.0**d) for d in decades[:: -(-len(decades) // 5)]]
    ticks: list[float] = []
    for parts in ((1, 3), (1, 2, 5)):
        every = [d + np.log10(part) for d in range(int(np.floor(low)), int(np.ceil(high)) + 1) for part in parts]
        ticks = [float(10.0**t) for t in every if low <= t <= high]
        if len(ticks) > 2:
            return ticks
    evenly = MaxNLocator(4).tick_values(10.0**low, 10.0**high)
    return [float(t) for t in evenly if 10.0**low <= t <= 10.0**high]


def short(value: float) -> str:
    """``1e-8``, ``0.05``, ``20``."""
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    digits, _, power = f"{value:.3e}".partition("e")
    return f"{float(digits):g}e{int(power)}"


def draw_line(axes: Axes, steps: Array, values: Array, look: Look, label: str | None, **more: Any) -> None:
    """A line with marks; on a log axis zeros are marks at the bottom, and what is not finite is one at the top."""
    at = outline(values)
    steps, values = steps[at], values[at]
    finite = np.abs(values) <= LARGEST  # NaN is not
    zero = (values == 0) & (axes.get_yscale() == "log")
    shown = np.where(finite & ~zero, values, np.nan)
    style: dict[str, Any] = {"color": look.color, "linestyle": look.linestyle, "marker": look.marker, **more}
    axes.plot(steps, shown, markevery=_marked(shown), label=label, **style)
    edge: dict[str, Any] = {
        "color": look.color,
        "transform": axes.get_xaxis_transform(),
        "clip_on": False,
        "linestyle": "none",
    }
    for mask, height, marker, size, name in ((zero, 0.02, "|", 7, ZERO), (~finite, 1.0, "*", 6, NOT_FINITE)):
        if mask.any():
            heights = np.full(int(mask.sum()), height)
            axes.plot(steps[mask], heights, marker=marker, markersize=size, label=name, **edge)


def _marked(shown: Array) -> list[int]:
    """Places with a mark: some, and those that no line leads to, as their neighbours are not drawn."""
    there = np.isfinite(np.concatenate([[np.nan], shown, [np.nan]]))
    alone = np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:])
    alone = alone[:: -(-len(alone) // (4 * MARKS)) or 1]
    return sorted({*range(0, len(shown), max(1, len(shown) // MARKS)), *alone.tolist()})


def legend_of(panels: Sequence[Axes]) -> tuple[list[Any], list[str]]:
    """The handles and labels of all panels, each label once."""
    entries: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    return list(entries.values()), list(entries)


def below(figure: Figure, label: str, panels: Sequence[Axes] = (), columns: int = 4) -> None:
    """Below all panels the axis that they share, and then their legend."""
    height = figure.get_figheight()
    handles, labels = legend_of(panels)
    legend_height = ROW * -(-len(labels) // columns)
    bottom = STRIP + legend_height + LABEL
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, bottom / height, 1, 1 - bottom / height)))
    figure.text(0.5, (STRIP + legend_height + LABEL / 2) / height, label, ha="center", va="center")
    if labels:
        figure.legend(
            handles,
            labels,
            loc="lower center",
            bbox_to_anchor=(0.5, STRIP / height),
            borderaxespad=0.0,
            ncols=min(len(labels), columns),
            frameon=False,
        )


def drawable(values: Array) -> np.ma.MaskedArray[Any, Any]:
    """The values, with what an axis has no room for left out."""
    return np.ma.masked_where(~(np.abs(values) <= LARGEST), values)


def extent_of(axes: Sequence[Array]) -> tuple[float, float, float, float]:
    """Where the picture of a grid over these two axes lies."""
    return float(axes[0][0]), float(axes[0][-1]), float(axes[1][0]), float(axes[1][-1])


def matrix_of(values: Array) -> Array:
    """A tensor as a matrix: (first axis, all others); a vector as one row."""
    return values.reshape(1, -1) if values.ndim < 2 else values.reshape(len(values), -1)
