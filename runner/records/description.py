"""What MLflow shows as the description of a run, and of an experiment (``mlflow.note.content``): Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from runner.comparison.summary import RunVerdict, TensorSummary
from runner.errors import one_line
from runner.records.files import utf8
from runner.records.words import number, small, whole_verdict

LONGEST = 8000
"""Characters that MLflow takes in a tag of a run; what is longer it would cut anywhere, without a word."""
MOST_TENSORS = 30

EXPERIMENT = """\
Backpropagations, each run's held against another's at every step. **A run's description says what was found.**

Columns worth showing (*Columns*, above the table of runs; `make ui` opens it with some of them):

- tags: `verdict` (agree, mismatch, imprecise, undecided, diverged), `verdict.cause`, `backends`, `dtype`
- metrics: `verdict/precision_roundings` (up to 30 is rounding), `verdict/logic_roundings`, `held_out/accuracy/...`
- parameters: `lr`, `seed`, `batch_size`, and what a sweep varies

To find what went wrong, type `tags.verdict != 'agree'` above the table. Charts of a run lie in sections by the front
part of their names: `loss`, `deviation/roundings`, `deviation/max_abs`, `train/...`, `held_out/...`, `verdict`.
"""
"""The description of an experiment."""

VIEW = "verdicts"
"""The name of a view of the table of runs, as an address gives it: ``?viewStateShareKey=verdicts``."""
COLUMNS = (
    *("attributes.`Created`", "metrics.`verdict/precision_roundings`", "tags.`verdict`", "tags.`verdict.cause`"),
    *("params.`lr`", "params.`seed`"),
)
EXPERIMENT_TAGS = {
    "mlflow.note.content": EXPERIMENT,
    "mlflow.experimentKind": "custom_model_development",
    f"mlflow.sharedViewState.{VIEW}": json.dumps({"selectedColumns": COLUMNS}),
}
"""Of an experiment that is made here: what it holds, that MLflow's page of it is to begin with a table of runs, and a
view of that table with the verdicts, kept as MLflow keeps one that a person shares."""

MARKUP = re.compile(r"[\\`*_\[\]|~#]")
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def description(verdict: RunVerdict, backends: Sequence[str], command: str) -> str:
    """The verdict, what was found, the tensors, and the ``command`` that replays it; at most ``LONGEST`` long."""
    sentence, *found = whole_verdict(verdict, backends)
    lines = [f"**{escaped(sentence)}**"]
    lines += ["", *(f"- {escaped(line)}" for line in found)] if found else []
    lines += ["", *_table(verdict.tensors)] if verdict.tensors else []
    if command:
        lines += ["", "To run it again:", "", *(f"    {line}" for line in command.splitlines())]
    return fitting("\n".join(lines), "verdict.json")


def escaped(text: str) -> str:
    """The text in one line, so that neither Markdown nor HTML reads anything into it."""
    return MARKUP.sub(r"\\\g<0>", one_line(text).translate(ENTITIES))


def _table(tensors: dict[str, TensorSummary]) -> list[str]:
    """A row a tensor in the network's order; of many, the worst, the worst first."""
    rows = list(tensors.items())
    told = []
    if len(rows) > MOST_TENSORS:
        told = ["", f"The {MOST_TENSORS} worst of {len(rows)} tensors; verdict.json has all."]
        rows = sorted(rows, key=_badness)[:MOST_TENSORS]
    head = ["| tensor | max abs deviation | roundings | logic roundings | |", "| --- | ---: | ---: | ---: | --- |"]
    return [*head, *(_row(name, tensor) for name, tensor in rows), *told]


def _badness(row: tuple[str, TensorSummary]) -> tuple[bool, float]:
    _, tensor = row
    worst = tensor.roundings if tensor.ok else max(tensor.roundings, tensor.logic_roundings)
    return tensor.ok, -worst if worst == worst else 0.0


def _row(name: str, t: TensorSummary) -> str:
    ok = "**not ok**" if not t.ok else "ok" if t.known else "-"
    cells = (escaped(name), small(t.max_abs), number(t.roundings), number(t.logic_roundings), ok)
    return f"| {' | '.join(cells)} |"


def fitting(text: str, file: str) -> str:
    """The text; at the length that MLflow takes cut after a line, with a word of the ``file`` that has all of it."""
    text = utf8(text)
    if len(text) <= LONGEST:
        return text
    tail = f"\n\n*(cut here, at the length that MLflow takes; {file} has all of it)*"
    return text[: max(0, text.rfind("\n", 0, LONGEST - len(tail) + 1))] + tail
