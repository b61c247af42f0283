"""What the page shows of a run, and how it writes numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.records.reading import RecordedRun

POINTS, ALL_POINTS = 500, 9_000
"""Points of one line, and of all lines together."""

LINES = 300
"""Tensors that are plotted, each of every judged backend."""

SHORT = 4
"""Significant digits of what is a measure, and no number of the run itself."""

WORST = ("worst_index", "worst_value", "worst_reference")

Figure = float | str | None


@dataclass(frozen=True)
class Row:
    """A row of the verdict's table of tensors; ``leading`` are the roundings of the question that the verdict is of."""

    tensor: str
    max_abs: float
    roundings: float
    logic_roundings: float
    ok: bool
    leading: float


def rows_of(run: RecordedRun, part: str = "tensors") -> list[Row]:
    """The table's rows, of ``tensors`` or of ``updates``; NaN where nothing is known.

    verdict.json has null for an infinite deviation too: of a tensor that is not ok, though the step had its form.
    """
    first = run.verdict["first"]
    judged, found = first is None or not first["form"], []
    for row in run.verdict[part]:
        keys = ("max_abs", "roundings", "logic_roundings")
        max_abs, precision, logic = (math.nan if row[key] is None else row[key] for key in keys)
        max_abs = math.inf if row["max_abs"] is None and not row["ok"] and judged else max_abs
        leading = logic if run.question == "logic" else precision
        found.append(Row(row["tensor"], max_abs, precision, logic, row["ok"], leading))
    return found


def shown_tensors(run: RecordedRun) -> list[str]:
    """Those that are plotted, in their order: all, or the worst where there are too many."""
    rows = rows_of(run)
    count = max(1, LINES // (len(run.backends) - 1))
    worst = sorted(rows, key=lambda row: (row.ok, -np.nan_to_num(row.leading, nan=-1.0)))[:count]
    names = {row.tensor for row in worst}
    return [row.tensor for row in rows if row.tensor in names]


def shown_step(run: RecordedRun) -> int | None:
    """Whose gradients are shown: the first step that is wrong or, where none is or it was not recorded, the last."""
    first = run.verdict["first"]
    if first is not None and first["step"] in run.steps:
        return int(first["step"])
    return int(run.steps[-1]) if len(run.steps) else None


def gradient_of(run: RecordedRun, backend: str, tensor: str) -> Array | None:
    """One backend's gradient at the step that is shown, in float64; None where it was not recorded."""
    step = shown_step(run)
    recorded = None if run.gradients is None else run.gradients.get(f"{backend}/{tensor}")
    if recorded is None or step is None:
        return None
    at = int(np.searchsorted(run.steps, step))
    return recorded[at].astype(np.float64) if at < len(recorded) else None


def digits(run: RecordedRun) -> int:
    """Significant digits that tell two neighbouring numbers of the run's dtype apart."""
    return 17 if run.config["dtype"] == "float64" else 9


def figure(value: float, places: int) -> Figure:
    """A number as JSON has it: infinities in words, null for NaN."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(f"{value:.{places}g}")


def figures(values: Iterable[float], places: int) -> list[Figure]:
    return [figure(float(value), places) for value in values]
