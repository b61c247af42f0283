"""Which class a network takes each point of a plane for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.records.plots.style import below, extent_of, looks

NAMED = 14
"""Classes that the legend names."""


def draw_regions(
    figure: Figure,
    axes: Sequence[Array],
    found: Array,
    samples: tuple[Array, Array],
    classes: int,
    labels: Sequence[str],
) -> None:
    """The samples with their classes, and beside them the class that is named at each point of the grid of ``axes``.

    A class has a shade, from dark to light, and its samples a shape too; lines part the regions, which bear numbers.

    ``found``: (rows, columns), class indices; ``samples``: inputs (samples, 2) and classes (samples,).
    """
    shades = ListedColormap(matplotlib.colormaps["cividis"](np.linspace(0.0, 1.0, classes)))
    true, named = figure.subplots(1, 2, sharex=True, sharey=True)
    norm = BoundaryNorm(np.arange(classes + 1) - 0.5, classes)
    named.imshow(
        found, origin="lower", extent=extent_of(axes), aspect="auto", cmap=shades, norm=norm, interpolation="nearest"
    )
    for i in range(int(found.min()), int(found.max())):
        for color, width in (("white", 2.4), ("black", 1.0)):
            named.contour(*axes, found > i, [0.5], colors=color, linewidths=width)
    for panel, title in ((true, "classes of the samples"), (named, "class that the network names")):
        _dots(panel, *samples, shades)
        panel.set(title=title, xlabel=labels[0])
        panel.locator_params(nbins=5)
    _numbers(named, axes, found)
    true.set_ylabel(labels[1])
    true.tick_params(labelleft=True)
    below(figure, "", [true], columns=7)


def _dots(panel: Axes, x: Array, y: Array, shades: ListedColormap) -> None:
    """The samples that count: a class that is ignored has no index among them."""
    for i, look in enumerate(looks(shades.N)):
        there = y == i
        style: dict[str, Any] = {"markersize": 4.5, "markeredgewidth": 0.6, "linestyle": "none"}
        edge = "white" if i < (shades.N - 1) / 2 else "black"
        label = f"class {i}" if i < NAMED else None
        panel.plot(*x[there].T, look.marker, color=shades(i), markeredgecolor=edge, label=label, **style)


def _numbers(panel: Axes, axes: Sequence[Array], found: Array) -> None:
    """Each class's number at that of its points which is nearest to their middle."""
    for i in np.unique(found):
        rows, columns = np.nonzero(found == i)
        at = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        panel.text(
            *(axes[0][columns[at]], axes[1][rows[at]], str(i)),
            ha="center",
            va="center",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "black", "linewidth": 0.5, "pad": 1.5},
        )
