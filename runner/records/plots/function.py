"""The function that was learnt, beside the one that was to be learnt."""

from __future__ import annotations

from matplotlib.figure import Figure

from runner.assemble import Setup
from runner.records.learnt.function import Regions, learnt_function
from runner.records.plots.regions import draw_regions
from runner.records.plots.style import new_figure
from runner.records.plots.surfaces import draw_lines, draw_squares
from runner.records.reading import RecordedRun

TITLE = "What the network has learnt, with its last parameters"


def function(run: RecordedRun, setup: Setup | None) -> Figure | None:
    """Of one or two inputs and one output, or of two inputs and classes.

    None of any others, and where the network cannot be computed.
    """
    found = learnt_function(run, setup)
    if found is None:
        return None
    if isinstance(found, Regions):
        figure = new_figure(TITLE, 4.6, run.title)
        draw_regions(figure, found.axes, found.named, (found.x, found.y), found.classes, found.labels)
        return figure
    surfaces = found.learnt, found.wanted
    figure = new_figure(TITLE, 4.4 if len(found.axes) == 1 else 3.8, run.title)
    if len(found.axes) == 1:
        draw_lines(figure, found.axes[0], surfaces, (found.x[:, 0], found.y), found.labels[0], found.words)
    else:
        draw_squares(figure, found.axes, surfaces, (found.x, found.y, found.found), found.labels, found.words)
    return figure
