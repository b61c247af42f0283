"""The learnt function as the page's script draws it, and the confusion matrix as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.records.learnt.classes import learnt_classes
from runner.records.learnt.function import Regions, Surface, learnt_function
from runner.records.reading import RecordedRun
from runner.records.report.markup import Markup, join, scrolled, tag
from runner.records.report.scale import SEQUENCE
from runner.records.report.shown import SHORT, figures

EVERY = 2
"""Of so many points of the grid, along each axis, one is drawn."""

NUMBER = 6
"""Significant digits along a line."""

CLASSES = 30
"""Classes that a table has room for."""

TABLE = "Predicted and true classes"


def function_of(run: RecordedRun, setup: Setup | None) -> dict[str, Any] | None:
    """The panels of a plane, or the curves over one input; None where there is nothing to show."""
    found = learnt_function(run, setup)
    if found is None or (isinstance(found, Regions) and found.classes > len(SEQUENCE)):
        return None
    return _curves(found) if len(found.axes) == 1 and isinstance(found, Surface) else _plane(found)


def _curves(found: Surface) -> dict[str, Any]:
    every = slice(None, None, EVERY)
    curves = {found.words.learnt: found.learnt, found.words.wanted: found.wanted}
    lines = [
        {"name": name, "value": figures(value[every], NUMBER)} for name, value in curves.items() if value is not None
    ]
    return {
        "input": found.labels[0],
        "output": found.words.value,
        "x": figures(found.axes[0][every], NUMBER),
        "lines": lines,
        "samples": {"x": figures(found.x[:, 0], NUMBER), "value": figures(found.y, NUMBER)},
    }


def _plane(found: Surface | Regions) -> dict[str, Any]:
    """Panels over the grid, (across, across) flattened, the first input running fastest; or over the samples."""
    if isinstance(found, Regions):
        panels = [_panel("class of the samples", "class", None, found.y)]
        panels.append(_panel("class that the network names", "class", found.named, None))
    elif found.wanted is None:
        words = found.words
        panels = [_panel(f"{words.wanted}, at the samples", "value", None, found.y)]
        panels.append(_panel(words.learnt, "value", found.learnt, None))
        panels.append(_panel(f"{words.apart}, at the samples", "apart", None, _minus(found.found, found.y)))
    else:
        words = found.words
        panels = [_panel(words.wanted, "value", found.wanted, None), _panel(words.learnt, "value", found.learnt, None)]
        panels.append(_panel(words.apart, "apart", _minus(found.learnt, found.wanted), None))
    return {
        "inputs": found.labels,
        "low": [float(axis[0]) for axis in found.axes],
        "high": [float(axis[-1]) for axis in found.axes],
        "across": len(found.axes[0][::EVERY]),
        "classes": found.classes if isinstance(found, Regions) else 0,
        "dots": [figures(x, SHORT) for x in found.x],
        "panels": panels,
    }


def _minus(value: Array, other: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(value - other)


def _panel(title: str, scale: str, grid: Array | None, dots: Array | None) -> dict[str, Any]:
    return {
        "title": title,
        "scale": scale,
        "grid": None if grid is None else figures(grid[::EVERY, ::EVERY].ravel(), SHORT),
        "dots": None if dots is None else figures(dots, SHORT),
    }


def confusion_table(run: RecordedRun, setup: Setup | None) -> Markup:
    """Predicted against true classes, shaded by the share of the true class; nothing where there are no classes."""
    found = learnt_classes(run, setup)
    if found is None:
        return Markup()
    count = len(found.counts)
    if count > CLASSES:
        return tag("p", f"{found.title}. The table of {count} classes has no room here.", class_="note")
    kinds = np.minimum((found.shares * len(SEQUENCE)).astype(int), len(SEQUENCE) - 1)
    top = tag(
        "tr", tag("th", "true", scope="col"), *(tag("th", str(i), scope="col", class_="figure") for i in range(count))
    )
    rows = [
        tag(
            "tr",
            tag("th", str(i), scope="row"),
            *(tag("td", str(n), class_=f"figure q{kinds[i, j]}" if n else "figure") for j, n in enumerate(row)),
        )
        for i, row in enumerate(found.counts.tolist())
    ]
    table = tag("table", tag("thead", top), tag("tbody", *rows), class_="matrix confusion", aria_label=TABLE)
    least = ["above 0", *(f"{i / len(SEQUENCE):.2f}" for i in range(1, len(SEQUENCE)))]
    swatches = [tag("li", tag("span", text, class_=f"q{i} share")) for i, text in enumerate(least)]
    words = "A row is a true class, a column a predicted one. Shade: the share of the true class, from"
    key = tag("div", tag("p", f"{words}:"), tag("ul", join(swatches)), class_="legend")
    return tag(
        "figure", tag("figcaption", found.title), scrolled(table, TABLE), key, id="plot-confusion", class_="plot"
    )
