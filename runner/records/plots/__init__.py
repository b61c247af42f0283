"""The plots of a run. Matplotlib is imported with this package: it is to be imported when a plot is to be drawn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from runner.assemble import Setup
from runner.records.files import part_of, publish
from runner.records.plots.confusion import confusion
from runner.records.plots.deviations import deviations
from runner.records.plots.drift import drift
from runner.records.plots.function import function
from runner.records.plots.gradient_norms import gradient_norms
from runner.records.plots.heat_map import heat_map
from runner.records.plots.loss import loss
from runner.records.plots.roundings import roundings
from runner.records.plots.style import DPI, RC
from runner.records.plots.trajectories import trajectories
from runner.records.reading import RecordedRun

__all__ = ["FOLDER", "PLOTS", "draw_plots"]

FOLDER = "plots"

COLOURS = 256
"""Of a PNG: a third of the bytes that it would have with all of them."""

OF_RECORDS: dict[str, Callable[[RecordedRun], Figure | None]] = {
    "deviations": deviations,
    "heat_map": heat_map,
    "roundings": roundings,
    "gradient_norms": gradient_norms,
    "trajectories": trajectories,
    "drift": drift,
}
OF_SETUP: dict[str, Callable[[RecordedRun, Setup | None], Figure | None]] = {
    "loss": loss,
    "function": function,
    "confusion": confusion,
}
"""Those that the records suffice for, and those that look at the network or the samples too. Each gives None where a
run has nothing to show in it."""

PLOTS = (*OF_RECORDS, *OF_SETUP)


def draw_plots(run: RecordedRun, setup: Setup | None, svg: bool) -> list[Path]:
    """Draws all plots of a run into its folder, as PNG and with ``svg`` as SVG too; the files that are there then.

    What an earlier drawing has left and this one has not is removed. Without ``setup`` what needs the network itself
    is not drawn: the function that was learnt, and the classes.

    Raises:
        ConfigError: A file of the run cannot be read.
        OSError: A file cannot be written.
    """
    folder = run.folder / FOLDER
    folder.mkdir(exist_ok=True)
    written = []
    with matplotlib.style.context(["default", RC]):
        for name in PLOTS:
            figure = OF_RECORDS[name](run) if name in OF_RECORDS else OF_SETUP[name](run, setup)
            for kind in ("png", "svg"):
                file = folder / f"{name}.{kind}"
                if figure is None or (kind == "svg" and not svg):
                    file.unlink(missing_ok=True)
                else:
                    _save(figure, file, kind)
                    written.append(file)
            if figure is not None:
                figure.clear()
    return written


def _save(figure: Figure, file: Path, kind: str) -> None:
    """Whole or not at all; the same bytes for the same run."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it draws a box in its place
        if kind == "svg":
            figure.savefig(part_of(file), format="svg", metadata={"Date": None})
        else:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            drawn = Image.fromarray(pixels).convert("RGB")
            few = drawn.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(part_of(file), format="png", dpi=(DPI, DPI))
    publish(file)
