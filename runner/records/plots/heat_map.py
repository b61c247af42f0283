"""Which elements are off: the largest roundings of each, over the whole run."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.elements import EDGES
from runner.records.plots.style import (
    ORANGE,
    below,
    grid,
    log_ticks,
    matrix_of,
    new_figure,
    plain,
    short,
    whole_numbers,
)
from runner.records.reading import RecordedRun
from runner.records.words import number

MOST = 9
"""Panels."""

CELLS = 128
"""Rows and columns of a panel; of a larger matrix a cell is the largest of several elements."""

LOWEST = 0.1
"""Roundings at the lower end of the scale, or below."""

FARTHEST = float(EDGES[-1])
"""Roundings at its upper end, or beyond."""


FULL = 0.75
"""The part of the colours, at least, that the values have; the rest leads on to the limit."""

APART = 0.06
"""The part of the scale, at least, between two ticks."""


def heat_map(run: RecordedRun) -> Figure | None:
    """A panel a weight, the worst if there are many; None where no element was judged."""
    found = worst_elements(run)
    if not found:
        return None
    backend = looked_at(run)
    kind = "formula (float64)" if run.question == "logic" else str(run.config["dtype"])
    few = f", the {MOST} worst tensors" if len(_judged(run)) > MOST else ""
    title = f"Largest roundings of each element: {plain(backend)}, {kind}{few}"
    rows = -(-len(found) // 3)
    figure = new_figure(title, 1.2 + 2.1 * rows, run.title)
    values = np.concatenate([value.ravel() for value in found.values()])
    scale, ticks = scale_of(values)
    panels = grid(figure, len(found), 3)
    for axes, (name, value) in zip(panels, found.items(), strict=True):
        image = _draw(axes, name, value, scale)
    figure.supylabel("index of the first axis", fontsize=9)
    several = any(max(matrix_of(value).shape) > CELLS for value in found.values())
    cells = "; where a tensor has many, a cell is the largest of its neighbours" if several else ""
    below(figure, f"index of the other axes, in a row{cells}")
    bar = figure.colorbar(image, ax=panels, aspect=30, fraction=0.05, pad=0.02)
    bar.set_ticks(ticks)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    beyond = f"\nyellow: {short(FARTHEST)} and beyond" if (values[np.isfinite(values)] > FARTHEST).any() else ""
    lost = "" if np.isfinite(values).all() else "\norange: not finite"
    bar.set_label(f"roundings (log scale){beyond}{lost}", fontsize=8)
    for color, width in (("white", 4.0), ("black", 1.6)):
        bar.ax.axhline(LIMIT, color=color, linewidth=width)
    bar.ax.annotate(
        *(f"limit {LIMIT:g}", (0.0, LIMIT)),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        rotation=90,
        fontsize=8,
    )
    return figure


def scale_of(values: Array) -> tuple[FuncNorm, list[float]]:
    """A log scale from the least value to the largest, or to just beyond the limit, which lies on every scale; ticks.

    Where all values are far below the limit, what is above them has the last part of the scale alone.
    """
    known = np.clip(values[np.isfinite(values)], LOWEST, FARTHEST)
    top = float(known.max(initial=2 * LOWEST))
    low, high = float(known.min(initial=top)), max(top, 1.25 * LIMIT)
    low = low if low < top else top / 2
    places = np.log([low, top, high]) if top < high else np.log([low, high])
    even = float((places[1] - places[0]) / (places[-1] - places[0]))
    shades = np.array([0.0, max(FULL, even), 1.0][: len(places)])

    def shade(value: Array) -> Array:
        return np.ma.array(np.interp(np.log(np.clip(value, low, high)), places, shades), mask=np.ma.getmask(value))

    def back(part: Array) -> Array:
        return np.exp(np.interp(part, shades, places))

    scale = FuncNorm((shade, back), low, high, clip=True)
    ends = places / np.log(10)
    ticks: list[float] = []
    for tick in [tick for i in range(len(ends) - 1) for tick in log_ticks(ends[i], ends[i + 1])]:
        if not ticks or scale(tick) - scale(ticks[-1]) > APART:
            ticks.append(tick)
    return scale, ticks


def looked_at(run: RecordedRun) -> str:
    """The backend at fault, or the first."""
    first = run.verdict["first"]
    return run.backends[0] if first is None else str(first["backend"])


def worst_elements(run: RecordedRun) -> dict[str, Array]:
    """The largest roundings of each element of at most ``MOST`` tensors."""
    found = _judged(run)
    largest = {name: _largest(value) for name, value in found.items()}
    worst = sorted(found, key=lambda name: largest[name], reverse=True)[:MOST]
    return {name: value for name, value in found.items() if name in worst}


def _judged(run: RecordedRun) -> dict[str, Array]:
    """Those of all weights, and of vectors beyond the limit."""
    if run.roundings is None:
        return {}
    start = f"{run.question}/{looked_at(run)}/"
    kept = {name: run.roundings.get(f"{start}{name}") for name in run.tensors}
    of = {name: value for name, value in kept.items() if value is not None and value.size}
    return {name: value for name, value in of.items() if value.ndim > 1 or _largest(value) > LIMIT}


def _largest(value: Array) -> float:
    return float(np.nan_to_num(value, nan=np.inf, posinf=np.inf).max())


def _draw(axes: Axes, name: str, value: Array, scale: FuncNorm) -> matplotlib.image.AxesImage:
    matrix = matrix_of(value)
    shown = pooled(matrix)
    colours = matplotlib.colormaps["viridis"].with_extremes(bad=ORANGE)
    extent = (-0.5, matrix.shape[1] - 0.5, matrix.shape[0] - 0.5, -0.5)
    told = np.where(np.isfinite(shown), np.clip(shown, LOWEST, FARTHEST), np.nan)
    image = axes.imshow(told, norm=scale, cmap=colours, extent=extent, aspect="auto", interpolation="nearest")
    worst = float(shown[np.isfinite(shown)].max(initial=0.0))
    axes.set_title(f"{plain(name, 28)}\n{' x '.join(map(str, value.shape))}, at most {number(worst)}", fontsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(whole_numbers())
    return image


def pooled(matrix: Array, cells: int = CELLS) -> Array:
    """The largest of each block of a matrix, (at most ``cells``, at most ``cells``)."""
    down, across = (-(-size // cells) for size in matrix.shape)
    rows = np.fmax.reduceat(matrix, np.arange(0, matrix.shape[0], down), axis=0)
    return np.fmax.reduceat(rows, np.arange(0, matrix.shape[1], across), axis=1)
