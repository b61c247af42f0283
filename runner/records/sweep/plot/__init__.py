"""The plot of a sweep; which one depends on how many keys were swept besides the seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from runner.records.files import beside
from runner.records.plots.drawing import drawing
from runner.records.sweep.jobs import Job
from runner.records.sweep.plot.lines import lines
from runner.records.sweep.plot.matrix import matrix
from runner.records.sweep.plot.parallel import parallel
from runner.records.sweep.tables import others


def draw_sweep(path: Path, jobs: Sequence[Job], keys: Sequence[str], title: str) -> None:
    """Draws the sweep over its ``keys``, of which there is at least one, as PNG."""
    with drawing():
        figure = sweep_figure(jobs, keys, title)
        with beside(path) as part:
            figure.savefig(part, format="png")


def sweep_figure(jobs: Sequence[Job], keys: Sequence[str], title: str) -> Figure:
    """Two keys as a matrix, one as a line, more as parallel axes; the seed counts as a key where it is alone."""
    shown = others(keys)
    if len(shown) <= 1:
        return lines(jobs, shown[0] if shown else keys[0], title)
    return matrix(jobs, keys, title) if len(shown) == 2 else parallel(jobs, keys, title)
