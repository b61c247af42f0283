"""Which elements are off: the largest roundings of each, over the whole run."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.plots.style import ORANGE, below, grid, matrix_of, new_figure, plain, whole_numbers
from runner.records.reading import RecordedRun
from runner.records.words import number

MOST = 9
"""Panels."""

CELLS = 128
"""Rows and columns of a panel; of a larger matrix a cell is the largest of several elements."""

LOWEST = 0.1
"""Roundings at the lower end of the scale."""


def heat_map(run: RecordedRun) -> Figure | None:
    """A panel a weight, the worst if there are many; None where no element was judged."""
    found = worst_elements(run)
    if not found:
        return None
    backend = looked_at(run)
    kind = "formula (float64)" if run.question == "logic" else str(run.config["dtype"])
    few = f", the {MOST} worst tensors" if len(found) == MOST else ""
    title = f"Largest roundings of each element: {plain(backend)}, {kind}{few}"
    rows = -(-len(found) // 3)
    figure = new_figure(title, 1.2 + 2.1 * rows, run.title)
    values = np.concatenate([value.ravel() for value in found.values()])
    top = float(values[np.isfinite(values)].max(initial=0.0))
    scale = LogNorm(LOWEST, max(10 * LIMIT, top), clip=True)
    panels = grid(figure, len(found), 3)
    for axes, (name, value) in zip(panels, found.items(), strict=True):
        image = _draw(axes, name, value, scale)
    figure.supylabel("index of the first axis", fontsize=9)
    several = any(max(matrix_of(value).shape) > CELLS for value in found.values())
    cells = "; where a tensor has many, a cell is the largest of its neighbours" if several else ""
    below(figure, f"index of the other axes, in a row{cells}")
    bar = figure.colorbar(image, ax=panels, aspect=30, fraction=0.05, pad=0.02)
    bar.set_label(f"roundings (log scale{'' if np.isfinite(values).all() else '; orange: not finite'})")
    bar.ax.axhline(LIMIT, color=ORANGE, linewidth=2.5)
    bar.ax.annotate(
        *(f"limit {LIMIT:g}", (0.0, LIMIT)),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        rotation=90,
        fontsize=7,
        color=ORANGE,
    )
    return figure


def looked_at(run: RecordedRun) -> str:
    """The backend at fault, or the first."""
    first = run.verdict["first"]
    return run.backends[0] if first is None else str(first["backend"])


def worst_elements(run: RecordedRun) -> dict[str, Array]:
    """The largest roundings of each element: of all weights, and of vectors beyond the limit; at most ``MOST``."""
    if run.roundings is None:
        return {}
    start = f"{run.question}/{looked_at(run)}/"
    kept = {name: run.roundings.get(f"{start}{name}") for name in run.tensors}
    of = {name: value for name, value in kept.items() if value is not None and value.size}
    largest = {name: float(np.nan_to_num(value, nan=np.inf, posinf=np.inf).max()) for name, value in of.items()}
    shown = [name for name, value in of.items() if value.ndim > 1 or largest[name] > LIMIT]
    worst = sorted(shown, key=lambda name: largest[name], reverse=True)[:MOST]
    return {name: of[name] for name in shown if name in worst}


def _draw(axes: Axes, name: str, value: Array, scale: LogNorm) -> matplotlib.image.AxesImage:
    matrix = matrix_of(value)
    shown = pooled(matrix)
    colours = matplotlib.colormaps["viridis"].with_extremes(bad=ORANGE)
    extent = (-0.5, matrix.shape[1] - 0.5, matrix.shape[0] - 0.5, -0.5)
    told = np.where(np.isfinite(shown), np.maximum(shown, LOWEST), np.nan)
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
