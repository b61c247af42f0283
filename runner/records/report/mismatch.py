"""What is said where a run does not agree: why, where, who is right, and the wrong matrix beside the right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.comparison.constants import LIMIT
from runner.records.reading import RecordedRun
from runner.records.report.markup import WORDS, Markup, clipped, join, scrolled, tag
from runner.records.report.shown import WORST, digits, gradient_of, shown_step
from runner.records.report.window import Window, window
from runner.records.words import number

SIDE = 12
"""Rows and columns of the matrices."""


def disagreement(run: RecordedRun) -> Markup:
    """The section on why a run does not agree; nothing where it does."""
    first = run.verdict["first"]
    if first is None:
        return Markup()
    explanations = run.verdict["explanations"]
    parts = [_first(run, first)]
    for backend, explanation in explanations.items():
        parts += [tag("h3", f"The backend {backend}")] if len(explanations) > 1 else []
        parts.append(_explained(backend, explanation, len(explanations) > 1))
    parts.append(_matrices(run))
    name = {"mismatch": "Why it is a mismatch", "diverged": "Where it diverges"}
    heading = tag("h2", name.get(run.verdict["verdict"], "Where it does not agree"), id="why-title")
    return tag("section", heading, *parts, id="why", aria_labelledby="why-title")


def _first(run: RecordedRun, first: Mapping[str, Any]) -> Markup:
    """The first step that is wrong, and there the worst element."""
    rows = [("first at step", str(first["step"]))]
    if first["tensor"]:
        rows.append(("tensor", first["tensor"]))
    if not first["form"]:
        rows += [("element", _index(first["index"]))] if first["index"] else []
        rows += [(f"{first[who]} has", _value(run, first, key)) for who, key in SIDES]
        if first["roundings"] is not None:
            rows.append(("apart", f"{number(first['roundings'])} roundings"))
    if first["finding"]:
        rows.append(("finding", clipped(first["finding"], WORDS)))
    return facts(rows)


SIDES = (("backend", "value"), ("reference", "reference_value"))


def facts(rows: list[tuple[str, str]]) -> Markup:
    """Names and what is known under them."""
    return tag("dl", join(Markup(tag("dt", name) + tag("dd", value)) for name, value in rows), class_="facts")


IN_TABLES = {"value": "worst_value", "reference_value": "worst_reference"}


def _value(run: RecordedRun, first: Mapping[str, Any], key: str) -> str:
    """One side's number; one that is not finite, which verdict.json has no word for, as the tables have it."""
    if first[key] is not None:
        return f"{first[key]:.17g}"
    columns = ["step", "backend", "tensor", *(f"{kind}{name}" for kind in ("", "logic_") for name in WORST)]
    for table in (run.rows(columns, first["tensor"]), run.updates):
        if table is None:
            continue
        rows = table[(table["step"] == first["step"]) & (table["tensor"] == first["tensor"])]
        for column in ("", "logic_"):
            mine = rows[
                (rows["backend"] == first["backend"]) & (rows[f"{column}worst_index"] == _index(first["index"]))
            ]
            known = [value for value in mine[f"{column}{IN_TABLES[key]}"] if not isfinite(value)]
            if known:
                return f"{known[0]}, which is not finite"
    return "a value that is not finite"


def _index(index: list[int]) -> str:
    return f"[{', '.join(map(str, index))}]"


def _explained(backend: str, e: Mapping[str, Any], several: bool) -> Markup:
    """The causes, what none of them explains, where it goes wrong, and who is right."""
    heading = "h4" if several else "h3"
    parts = []
    if len(e["causes"]) > 1:
        words = f"{len(e['causes'])} mistakes reproduce the numbers of {e['subject']} to within rounding."
        parts.append(tag("p", words))
    for cause in e["causes"]:
        parts.append(tag(heading, f"Cause: {cause['name']}"))
        parts.append(tag("p", cause["sentence"]))
        rows = [("right", cause["formula"]), ("explains", ", ".join(cause["tensors"]))]
        parts.append(facts([row for row in rows if row[1]]))
    if not e["causes"]:
        parts.append(tag(heading, "Cause: unknown"))
        parts.append(tag("p", f"No named mistake reproduces the numbers of {e['subject']}."))
    elif e["unexplained"]:
        parts.append(tag("p", f"Not explained: {', '.join(e['unexplained'])}"))
    if e["pattern"]:
        parts.append(tag("p", f"Seen: {e['pattern']}"))
    if e["where"] or e["layers"]:
        parts.append(tag(heading, "Where it goes wrong"))
    if e["where"]:
        parts.append(tag("p", f"{e['where']}."))
    if e["layers"]:
        parts.append(_layers(backend, e["layers"]))
    if e["opinion"] is not None:
        parts += [tag(heading, "Third opinion"), tag("p", f"{e['opinion']['words']}.")]
    return join(parts)


def _layers(backend: str, rows: list[Mapping[str, Any]]) -> Markup:
    heads = ("layer", "its output, forward", "gradient of the loss by it, backward")
    head = tag("tr", *(tag("th", text, scope="col", class_="figure" if i else None) for i, text in enumerate(heads)))
    body = [tag("tr", tag("th", r["layer"], scope="row"), _cell(r["activation"]), _cell(r["delta"])) for r in rows]
    words = f"{backend} layer by layer, in roundings from the library; beyond {LIMIT:.0f} is wrong"
    caption = tag("caption", words)
    table = tag("table", caption, tag("thead", head), tag("tbody", *body))
    return scrolled(table, f"{backend} layer by layer")


def _cell(roundings: float | None) -> Markup:
    if roundings is None:
        return tag("td", "not known", class_="figure")
    wrong = roundings > LIMIT
    return tag("td", f"{number(roundings)}{' ✗' if wrong else ''}", class_="figure wrong" if wrong else "figure")


def _matrices(run: RecordedRun) -> Markup:
    """Both sides' gradients of the first wrong tensor, at the first wrong step."""
    first = run.verdict["first"]
    backend, reference = first["backend"], first["reference"]
    tensor = _wrong_tensor(run)
    if tensor is None or shown_step(run) != first["step"]:
        return Markup()
    sides = {name: gradient_of(run, name, tensor) for name in (backend, reference)}
    heading = tag("h3", "Both gradients")
    if any(value is None for value in sides.values()):
        return join([heading, tag("p", "The gradients of this step were not recorded (record.gradients=false).")])
    part, off = _part(run, tensor, backend, sides)
    subject = (run.verdict["explanations"].get(backend) or {}).get("subject", backend)
    places = _places(run, [part.of(value)[part.within] for value in sides.values() if value is not None])
    shown = []
    for name, value in sides.items():
        assert value is not None
        form = Form(f"{tensor} of {name}", "reference" if name == reference else "judged", places)
        shown.append(_matrix(form, part, part.of(value), off if name == subject else None))
    words = f"At step {first['step']}, in {run.config['dtype']}."
    words += "" if part.whole else f" Shown are {part.words}."
    if off is not None and off.any():
        words += f" Bold: elements that are more than {LIMIT:.0f} roundings off at some step."
    mark = "the first that is not finite" if run.verdict["verdict"] == "diverged" else "the worst element"
    return join([heading, tag("p", f"{words} ◀: {mark}."), tag("div", *shown, class_="matrices")])


def _wrong_tensor(run: RecordedRun) -> str | None:
    """The first wrong tensor that is a gradient; None where no gradient is wrong."""
    first = run.verdict["first"]
    named = [first["tensor"]]
    for e in run.verdict["explanations"].values():
        named += [tensor for cause in e["causes"] for tensor in cause["tensors"]] + e["unexplained"]
    named += [row["tensor"] for row in run.verdict["tensors"] if not row["ok"]]
    gradients = {row["tensor"] for row in run.verdict["tensors"]} - {"loss", "prediction"}
    return next((tensor for tensor in named if tensor in gradients), None)


def _part(
    run: RecordedRun, tensor: str, backend: str, sides: Mapping[str, Array | None]
) -> tuple[Window, Array | None]:
    """What is shown of the tensor, and which of its elements are off; None where that is not known."""
    first = run.verdict["first"]
    one, other = (value for value in sides.values() if value is not None)
    largest = (run.roundings or {}).get(f"{run.question}/{backend}/{tensor}")
    if first["tensor"] == tensor and not first["form"]:
        at = int(np.ravel_multi_index(tuple(first["index"]), one.shape)) if one.shape else 0
    elif run.verdict["verdict"] == "diverged":
        at = int(np.argmin(np.isfinite(one) & np.isfinite(other)))
    else:
        at = int(np.argmax(np.abs(one - other) if largest is None else largest))
    part = window(one.shape, at, SIDE)
    return part, None if largest is None else part.of(largest > LIMIT)


@dataclass(frozen=True)
class Form:
    """How a matrix is shown: its name, which side it is of, and the significant digits of its numbers."""

    name: str
    side: str
    places: int


def _places(run: RecordedRun, worst: Sequence[float]) -> int:
    """As many digits as tell the two values of the worst element apart, and one more."""
    most = digits(run)
    differ = (k for k in range(1, most) if len({f"{value:.{k}g}" for value in worst}) > 1)
    return max(4, min(next(differ, most - 1) + 1, most))


def _matrix(form: Form, part: Window, shown: Array, off: Array | None) -> Markup:
    """The part of one side's tensor, (rows, columns); ``off`` are its wrong elements, None if they are not marked."""
    heads = [tag("th", str(column), scope="col", class_="figure") for column in part.columns]
    rows = []
    for i, row in enumerate(part.rows):
        cells = [tag("th", str(row), scope="row")]
        for j in range(len(part.columns)):
            worst = (i, j) == part.within
            kinds = ["figure", *(["wrong"] if off is not None and off[i, j] else []), *(["worst"] if worst else [])]
            text = f"{shown[i, j]:.{form.places}g}{' ◀' if worst else ''}"
            cells.append(tag("td", text, class_=" ".join(kinds)))
        rows.append(tag("tr", *cells))
    caption = tag("caption", f"{form.name} ({form.side})")
    head = tag("tr", tag("th", "row", scope="col"), *heads)
    return scrolled(tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="matrix"), form.name)
