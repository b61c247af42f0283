"""What some elements of every parameter were over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.arrays import Array, Shape
from runner.records.plots.style import Look, below, draw_line, grid, legend_of, looks, new_figure, plain, step_axis
from runner.records.reading import RecordedRun

MOST = 12
"""Panels."""


def trajectories(run: RecordedRun) -> Figure | None:
    """A panel a parameter; None where there are fewer than two points to go from and to."""
    found = run.trajectories
    if found is None or len(found["steps"]) < 2:
        return None
    names = [name for name in run.tensors if name in found]
    picked = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, min(MOST, len(names))).astype(int))]
    few = f", {len(picked)} of {len(names)} parameters" if len(picked) < len(names) else ""
    title = f"Parameters of {plain(run.reference)} before each step, some elements of each{few}"
    rows = -(-len(picked) // 3)
    figure = new_figure(title, 1.2 + 1.9 * rows, run.title)
    panels = grid(figure, len(picked), 3, sharex=True)
    for axes, name in zip(panels, picked, strict=True):
        shape = run.parameters[f"last/{name}"].shape
        _draw(axes, found["steps"], found[name], indices(found[f"at/{name}"], shape))
        axes.set_title(f"{plain(name, 34)}\n{how_many(found[name].shape[1], shape)}", fontsize=8)
    below(figure, "step (first is 0)")
    figure.supylabel("value of an element, by its index", fontsize=9)
    return figure


def how_many(shown: int, shape: Shape) -> str:
    """Elements of a tensor of ``shape`` that are ``shown``."""
    size = prod(shape)
    if shown < size:
        return f"{shown} of {' x '.join(map(str, shape))}"
    return "1 element" if size == 1 else f"all {size} elements"


def indices(places: Array, shape: Shape) -> list[str]:
    """The index of each element, from its place in the flattened tensor: ``0, 3``."""
    return [", ".join(map(str, np.unravel_index(int(place), shape))) for place in places]


def _draw(axes: Axes, steps: Array, values: Array, labels: Sequence[str]) -> None:
    """``values`` (points, elements)."""
    count = values.shape[1]
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, count))
    for column, colour, look, label in zip(values.T, colours, looks(count), labels, strict=True):
        own = Look(matplotlib.colors.to_hex(colour), "", look.linestyle)
        draw_line(axes, steps, column, own, label, linewidth=1.0)
    step_axis(axes, steps)
    axes.legend(
        *legend_of([axes]), fontsize=6, handlelength=1.8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False
    )
