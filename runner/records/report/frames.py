"""The frames of the figures, which the page's script fills."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from runner.assemble import Setup
from runner.records.reading import RecordedRun
from runner.records.report.data import points_of_a_line
from runner.records.report.function import confusion_table
from runner.records.report.markup import Markup, clipped, section, tag
from runner.records.report.scale import legend
from runner.records.report.shown import rows_of, shown_step, shown_tensors

QUESTIONS = {"precision": "in the run's dtype", "logic": "logic, in float64"}


def plots(run: RecordedRun, with_paths: bool) -> Markup:
    """The frames of the plots, which the script fills."""
    tensors = shown_tensors(run)
    gradients = [row for row in rows_of(run) if row.tensor not in ("loss", "prediction")]
    worst = max(gradients, key=lambda row: -1.0 if isnan(row.leading) else row.leading).tensor
    choices = [_select("tensor", "Tensor", {name: name for name in tensors}, worst)]
    if len(run.backends) > 2:
        choices.append(_select("backend", "Backend", {name: name for name in run.backends[:-1]}, run.backends[0]))
    choices.append(_select("question", "Judged", QUESTIONS, run.question))
    notes = []
    if len(run.steps) > points_of_a_line(run):
        words = f"Of {len(run.steps)} recorded steps at most about {points_of_a_line(run)} are drawn a line"
        notes.append(f"{words}: of the deviation the worst of those that follow each other.")
    if len(tensors) < len(run.tensors):
        notes.append(f"Of {len(run.tensors)} tensors the {len(tensors)} worst can be chosen.")
    reading = "Point at a plot, or focus it and move with the arrow keys, to read its numbers."
    paths = [_figure("paths", f"Elements of a parameter before each step ({run.reference})")] if with_paths else []
    return section(
        "plots",
        "Plots",
        tag("p", reading, class_="note on-screen"),
        *([tag("p", " ".join(notes), class_="note")] if notes else []),
        tag("noscript", tag("p", "The plots are drawn by the page's own script, which does not run here.")),
        _figure("loss", "Loss of each backend"),
        tag("div", *choices, class_="choices", role="group", aria_label="What the plots show"),
        _figure("deviation", "Deviation of the worst element, with one rounding and the limit of 30"),
        _figure("map", _map_title(run), legend("Most roundings of each element, over all judged steps")),
        _figure("histogram", "Roundings of all gradients' elements, over all judged steps"),
        *paths,
    )


def learnt(run: RecordedRun, setup: Setup | None, learning: Mapping[str, Any]) -> Markup:
    """The frames of what tells how the run learnt, and the classes; nothing where there is nothing to show."""
    frames = []
    if "norms" in learning:
        shown, layers = len(learning["norms"]["lines"]), learning["norms"]["layers"]
        few = f", {shown} of {layers} layers" if shown < layers else ""
        frames.append(_figure("norms", f"Norm of each layer's gradients ({run.reference}) at the recorded steps{few}"))
    if "drift" in learning:
        frames.append(_figure("drift", f"Distance of all parameters from those of {run.reference}"))
    if "function" in learning:
        frames.append(_figure("function", "What the network has learnt, with its last parameters"))
    table = confusion_table(run, setup)
    return section("learning", "Learning", *frames, table) if frames or table else Markup()


def _map_title(run: RecordedRun) -> str:
    step = shown_step(run)
    if run.gradients is None or step is None:
        return "Elements (the gradients were not recorded: their roundings alone)"
    return f"Elements, with both gradients at step {step}"


def _select(name: str, label: str, options: dict[str, str], chosen: str) -> Markup:
    told = [
        tag("option", clipped(text, 80), value=v, selected="" if v == chosen else None) for v, text in options.items()
    ]
    return tag("label", f"{label} ", tag("select", *told, id=f"choose-{name}"))


def _figure(name: str, caption: str, *below: str) -> Markup:
    readout = tag("output", id=f"readout-{name}")
    drawing = tag("div", class_="drawing")
    return tag("figure", tag("figcaption", caption), drawing, readout, *below, id=f"plot-{name}", class_="plot")
