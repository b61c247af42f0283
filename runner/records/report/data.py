"""What the page's script draws from: the records, thinned so that the page stays small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.elements import EDGES, QUESTIONS
from runner.records.outline import outline_of_all
from runner.records.reading import RecordedRun
from runner.records.report.scale import SHADES
from runner.records.report.shown import (
    ALL_POINTS,
    POINTS,
    SHORT,
    WORST,
    digits,
    figures,
    gradient_of,
    shown_step,
    shown_tensors,
)
from runner.records.report.window import Window, window

if TYPE_CHECKING:
    import pandas as pd

SIDE, ALL_ELEMENTS = 40, 16_000
"""Rows and columns of one heat map, and elements of all together."""


def data_of(run: RecordedRun) -> dict[str, Any]:
    """All that the script needs, as JSON: lists and mappings under names that are no user's."""
    return {
        "backends": run.backends,
        "dtype": run.config["dtype"],
        "questions": {"precision": f"in the run's dtype, {run.config['dtype']}", "logic": "logic, in float64"},
        "limit": LIMIT,
        "scale": [shade.begin for shade in SHADES],
        "shown_step": shown_step(run),
        "loss": _losses(run),
        "series": _series(run),
        "elements": _elements(run),
        "edges": figures(EDGES, SHORT),
        "counts": _counts(run),
    }


def _losses(run: RecordedRun) -> dict[str, Any]:
    if not len(run.steps):
        return {"step": [], "lines": []}
    chosen = outline_of_all(run.losses.values(), POINTS)
    lines = [{"backend": name, "value": figures(loss[chosen], digits(run))} for name, loss in run.losses.items()]
    return {"step": [int(run.steps[i]) for i in chosen], "lines": lines}


def points_of_a_line(run: RecordedRun) -> int:
    """How many steps are shown of a tensor."""
    lines = len(QUESTIONS) * (len(run.backends) - 1) * max(1, len(shown_tensors(run)))
    return max(10, min(POINTS, ALL_POINTS // lines))


CHOOSING = ("backend", "tensor", "max_abs", "roundings", "logic_max_abs", "logic_roundings")
DRAWN = ("step", *(f"{prefix}{name}" for prefix in ("", "logic_") for name in ("roundings", "sigma", *WORST)))


def _series(run: RecordedRun) -> list[dict[str, Any]]:
    """The worst element of each tensor over the steps; of the logic where it was judged."""
    lines = list(_chosen(run))
    places = np.unique(np.concatenate([np.empty(0, np.intp), *(at for _, at in lines)]))
    drawn, found = _columns(run.rows(DRAWN, places=places)), []
    for line, at in lines:
        prefix, figures_of_number = ("logic_", 17) if line["question"] == "logic" else ("", digits(run))
        found.append({**line, **_line(drawn, np.searchsorted(places, at), prefix, figures_of_number)})
    return found


def _chosen(run: RecordedRun) -> Iterator[tuple[dict[str, Any], Array]]:
    """What each line is of, and the places in the table of the rows that it is drawn by."""
    names, count, columns = set(shown_tensors(run)), points_of_a_line(run), _columns(run.rows(CHOOSING))
    for backend in run.backends[:-1]:
        of_backend = columns["backend"] == backend
        for tensor in (name for name in run.tensors if name in names):
            rows = np.flatnonzero(of_backend & (columns["tensor"] == tensor))
            for question in QUESTIONS:
                prefix = "logic_" if question == "logic" else ""
                known = rows[~np.isnan(columns["logic_roundings"][rows])] if prefix else rows
                if len(known):
                    line = {"backend": backend, "tensor": tensor, "question": question}
                    yield line, _thinned(columns, known, prefix, count)


def _columns(rows: pd.DataFrame) -> dict[str, Array]:
    """Cut by places, they take a tenth of a frame's time: row short_jobs of benchmarks/tables.py."""
    return {str(name): column.to_numpy() for name, column in rows.items()}


def _line(columns: Mapping[str, Array], rows: Array, prefix: str, places: int) -> dict[str, Any]:
    value, reference = columns[f"{prefix}worst_value"][rows], columns[f"{prefix}worst_reference"][rows]
    with np.errstate(invalid="ignore"):
        apart = np.abs(value - reference)
    return {
        "step": columns["step"][rows].tolist(),
        "index": [index or "" for index in columns[f"{prefix}worst_index"][rows]],
        "value": figures(value, places),
        "reference": figures(reference, places),
        "deviation": figures(apart, SHORT),
        "roundings": figures(columns[f"{prefix}roundings"][rows], SHORT),
        "sigma": figures(columns[f"{prefix}sigma"][rows], SHORT),
    }


def _thinned(columns: Mapping[str, Array], rows: Array, prefix: str, count: int) -> Array:
    """Places of a line's ``rows``, at most about ``count``: the first, the last, the worst of each stretch of steps.

    The judged steps are divided into stretches of their own: between others they would be lost.
    """
    if len(rows) <= count:
        return rows
    roundings = columns[f"{prefix}roundings"][rows]
    judged = ~np.isnan(roundings)
    by = np.where(judged, roundings, np.nan_to_num(columns[f"{prefix}max_abs"][rows], nan=np.inf))
    chosen = {0, len(rows) - 1}
    for places in filter(len, (np.flatnonzero(judged), np.flatnonzero(~judged))):
        share = max(1, (count - 2) // (1 if judged.all() or not judged.any() else 2))
        chosen |= {int(part[np.argmax(by[part])]) for part in np.array_split(places, min(share, len(places)))}
    return rows[sorted(chosen)]


def _elements(run: RecordedRun) -> list[dict[str, Any]]:
    """Roundings and both values of every element, or of as many around the worst as there is room for."""
    roundings = run.roundings
    if roundings is None:
        return []
    keys = [(b, t) for t in shown_tensors(run) for b in run.backends[:-1] if f"{run.question}/{b}/{t}" in roundings]
    windows = {key: windowed(run, roundings, *key, SIDE) for key in keys}
    for side in (32, 24, 16, 12, 8, 4, 2):
        if sum(len(w.rows) * len(w.columns) for w in windows.values()) <= ALL_ELEMENTS:
            break
        windows = {key: windowed(run, roundings, *key, side) for key in keys}
    return [_map(run, roundings, key, part) for key, part in windows.items()]


def windowed(run: RecordedRun, roundings: Mapping[str, Array], backend: str, tensor: str, side: int) -> Window:
    """The part of a tensor that is shown, around the element of the most roundings."""
    largest = roundings[f"{run.question}/{backend}/{tensor}"]
    return window(largest.shape, int(np.argmax(largest)), side)


def _map(run: RecordedRun, roundings: Mapping[str, Array], key: tuple[str, str], part: Window) -> dict[str, Any]:
    backend, tensor = key
    sides = {"value": gradient_of(run, backend, tensor), "reference": gradient_of(run, run.reference, tensor)}
    values = {
        side: None if found is None else figures(part.of(found).ravel(), digits(run)) for side, found in sides.items()
    }
    largest = {question: roundings[f"{question}/{backend}/{tensor}"] for question in QUESTIONS}
    return {
        "backend": backend,
        "tensor": tensor,
        "shape": list(largest["logic"].shape),
        "total": list(part.total),
        "rows": [part.rows.start, part.rows.stop],
        "columns": [part.columns.start, part.columns.stop],
        "words": "" if part.whole else part.words,
        **values,
        **{question: figures(part.of(found).ravel(), SHORT) for question, found in largest.items()},
    }


def _counts(run: RecordedRun) -> list[dict[str, Any]]:
    found = run.roundings or {}
    return [
        {"backend": backend, "question": question, "count": found[f"counts/{question}/{backend}"].tolist()}
        for backend in run.backends[:-1]
        for question in QUESTIONS
        if f"counts/{question}/{backend}" in found
    ]
