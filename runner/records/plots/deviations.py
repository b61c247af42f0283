"""How far every tensor deviates at each step, beside what one rounding is."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.plots.style import below, draw_line, grid, listed, log_axis, looks, new_figure, plain, step_axis
from runner.records.reading import RecordedRun
from runner.records.words import number

if TYPE_CHECKING:
    import pandas as pd

MOST = 12
"""Panels."""

BAND = "#d0d0d0"
BAND_LABEL = f"from one rounding to {LIMIT:g}, the limit"


def deviations(run: RecordedRun) -> Figure | None:
    """A panel a tensor, the worst if there are many; None where no step is recorded."""
    if not len(run.steps):
        return None
    tensors = worst_tensors(run)
    few = f", the {len(tensors)} worst of {len(run.tensors)} tensors" if len(tensors) < len(run.tensors) else ""
    title = f"Deviation of {listed(run.backends[:-1])} from {plain(run.reference)} at each recorded step{few}"
    figure = new_figure(title, 1.3 + 1.9 * -(-len(tensors) // 3), run.title)
    panels = grid(figure, len(tensors), 3, sharex=True)
    rows = {row["tensor"]: row for row in run.verdict["tensors"]}
    for axes, tensor in zip(panels, tensors, strict=True):
        _draw(axes, run, run.rows(["step", "backend", "max_abs", "sigma", "reference_error"], tensor))
        axes.set_title(f"{plain(tensor, 34)}\n{told(rows[tensor])}", fontsize=8)
    figure.supylabel("largest |difference| of the tensor (log scale)", fontsize=9)
    below(figure, "step (first is 0)", panels)
    return figure


def worst_tensors(run: RecordedRun) -> list[str]:
    """Those with the most roundings, in the network's order; what is not ok comes before what is."""

    def badness(row: dict[str, float]) -> tuple[bool, float]:
        known = [row[kind] for kind in ("roundings", "logic_roundings") if row[kind] is not None]
        return not row["ok"], max(known, default=inf if not row["ok"] else row["max_abs"] or 0.0)

    rows = sorted(run.verdict["tensors"], key=badness, reverse=True)
    kept = {row["tensor"] for row in rows[:MOST]}
    return [name for name in run.tensors if name in kept]


def told(row: Mapping[str, Any]) -> str:
    """What the verdict says of a tensor, from its row there."""
    known = row["roundings"] is not None  # null stands for what is not finite too
    words = [f"at most {number(row['roundings'])} roundings"] if known else ["not judged"] if row["ok"] else []
    return ", ".join(words if row["ok"] else [*words, "not ok"])


def _draw(axes: Axes, run: RecordedRun, rows: pd.DataFrame) -> None:
    """One tensor's ``rows``, of all backends and steps."""
    steps, level = rounding_level(rows)
    log_axis(axes, np.concatenate([rows["max_abs"].to_numpy(np.float64), LIMIT * level, level]))
    if len(steps) == 1:
        axes.vlines(steps, level, LIMIT * level, color=BAND, linewidth=10, label=BAND_LABEL)
    elif len(steps):
        axes.fill_between(steps, level, LIMIT * level, color=BAND, linewidth=0, label=BAND_LABEL)
    judged = run.backends[:-1]
    for i, (name, look) in enumerate(zip(judged, looks(len(judged)), strict=True)):
        mine = rows[rows["backend"] == name]
        values: Array = mine["max_abs"].to_numpy(np.float64)
        size = 3 + 2 * (len(judged) - 1 - i)  # where lines are alike, those that are drawn first are seen too
        draw_line(axes, mine["step"].to_numpy(), values, look, plain(name), linewidth=0.9, markersize=size)
    step_axis(axes, run.steps)


def rounding_level(rows: pd.DataFrame) -> tuple[Array, Array]:
    """The judged steps and, at each, the size of one rounding, from one tensor's ``rows``.

    It is that of the element that is off by most roundings; but elements of one tensor differ in it, and where the
    reference is itself off by more somewhere (``reference_error``), that.
    """
    by_step = rows.groupby("step")[["sigma", "reference_error"]].max()
    level = by_step.max(axis=1).to_numpy(np.float64)
    judged = np.isfinite(level) & (level > 0)
    return by_step.index.to_numpy()[judged], level[judged]
