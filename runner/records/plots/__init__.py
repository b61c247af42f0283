"""The plots of a run. Matplotlib is imported with this package: it is to be imported when a plot is to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from runner.assemble import Setup
from runner.records.faults import Undrawn, noting
from runner.records.files import write_bytes
from runner.records.plots.confusion import confusion
from runner.records.plots.deviations import deviations
from runner.records.plots.drawing import drawing
from runner.records.plots.drift import drift
from runner.records.plots.function import function
from runner.records.plots.gradient_norms import gradient_norms
from runner.records.plots.heat_map import heat_map
from runner.records.plots.loss import loss
from runner.records.plots.roundings import roundings
from runner.records.plots.style import DPI
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


def draw_plots(run: RecordedRun, setup: Setup | None, svg: bool) -> tuple[list[Path], list[Undrawn]]:
    """Draws all plots of a run into its folder, as PNG and with ``svg`` as SVG too.

    What an earlier drawing has left and this one has not is removed. Without ``setup`` what needs the network itself
    is not drawn: the function that was learnt, and the classes.

    Returns:
        The files that are there then, and what could not be drawn for a fault of the program.

    Raises:
        ConfigError: A file of the run cannot be read.
        OSError: A file cannot be written.
    """
    folder = run.folder / FOLDER
    folder.mkdir(exist_ok=True)
    written: list[Path] = []
    faults: list[Undrawn] = []
    for name in PLOTS:
        drawn: dict[str, bytes] = {}
        with noting(f"{FOLDER}/{name}.png", faults):
            drawn = _drawn(name, run, setup, ("png", "svg") if svg else ("png",))
        for kind in ("png", "svg"):
            file = folder / f"{name}.{kind}"
            if kind in drawn:
                write_bytes(file, drawn[kind])
                written.append(file)
            else:
                file.unlink(missing_ok=True)
    return written, faults


def _drawn(name: str, run: RecordedRun, setup: Setup | None, kinds: Sequence[str]) -> dict[str, bytes]:
    """The files of one plot, by kind; the same bytes for the same run. None of a plot that does not apply."""
    with drawing():
        figure = figure_of(name, run, setup)
        made = {kind: _saved(figure, kind) for kind in kinds} if figure is not None else {}
        if figure is not None:
            figure.clear()
    return made


def figure_of(name: str, run: RecordedRun, setup: Setup | None) -> Figure | None:
    """One plot; what is reckoned for it and overflows is drawn as not finite."""
    with np.errstate(all="ignore"):
        return OF_RECORDS[name](run) if name in OF_RECORDS else OF_SETUP[name](run, setup)


def _saved(figure: Figure, kind: str) -> bytes:
    file = BytesIO()
    if kind == "svg":
        figure.savefig(file, format="svg", metadata={"Date": None})
    else:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        drawn = Image.fromarray(pixels).convert("RGB")
        few = drawn.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(file, format="png", dpi=(DPI, DPI))
    return file.getvalue()
