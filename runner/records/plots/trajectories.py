"""What some elements of every parameter were over the steps."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.records.plots.style import Look, below, draw_line, grid, looks, new_figure, plain, step_axis
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
        _draw(axes, found["steps"], found[name])
        shape = run.parameters[f"last/{name}"].shape
        of = "1 element" if found[name].shape[1] == 1 else f"{found[name].shape[1]} of {' x '.join(map(str, shape))}"
        axes.set_title(f"{plain(name, 34)}\n{of}", fontsize=8)
    below(figure, "step (first is 0)")
    figure.supylabel("value of an element (the first dark, the last light)", fontsize=9)
    return figure


def _draw(axes: Axes, steps: Array, values: Array) -> None:
    """``values`` (points, elements)."""
    count = values.shape[1]
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, count))
    for column, colour, look in zip(values.T, colours, looks(count), strict=True):
        own = Look(matplotlib.colors.to_hex(colour), "", look.linestyle)
        draw_line(axes, steps, column, own, None, linewidth=1.0)
    step_axis(axes, steps)
