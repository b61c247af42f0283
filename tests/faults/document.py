"""docs/faults.md, written from the faults: what is said of each, by the verdict and by other checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import groupby

import numpy as np

from runner.comparison.constants import LIMIT
from runner.outcome import Outcome
from tests.faults.fault import UNKNOWN, Fault
from tests.faults.library import FAULTS, LOSSY, RIGHT
from tests.faults.others import objections
from tests.faults.setups import setup_of
from tests.helpers import kept

COLUMNS = ["fault", "what is wrong", "verdict", "roundings", "cause"]
OTHERS = ["`allclose`", "`assert_close`", "`gradcheck`", "relative error"]

HEAD = """\
# The faults

Backpropagations that are deliberately wrong, what the verdict says of each, and what other checks say of the same
numbers. Written by `python -m tests.faults --write docs/faults.md`; a test holds it against what that gives.

Each is a backend in `tests/faults/`, to be chosen by its name:

    python -m runner --config-dir tests/faults/conf backend=[missing_slope,torch]

`make faults` runs all of them on the command line.

- **verdict, roundings, cause**: of a run in float32 with seed 1 under the overrides that `tests/faults/library.py` has
  for the fault. Roundings are the worst of the logic, judged in float64, as a power of ten that is cut off (*inf*: a
  value where exact arithmetic gives 0). A cause is a mistake of [the list](causes.md), proved by its numbers; *unknown*
  is a fault that is on no list, *in part* one of which some tensors alone are explained. Where several are named, they
  are one formula in this network.
- **`allclose`**: `numpy.allclose` with its defaults, on each gradient of the first wrong step, in float32.
- **`assert_close`**: `torch.testing.assert_close` with its defaults for float32, on the same.
- **`gradcheck`**: `torch.autograd.gradcheck` with its defaults, in float64: the fault is wrapped as a
  `torch.autograd.Function` whose forward gives its loss and whose backward its gradients, by all parameters. It holds a
  gradient against the fault's own loss, so that a wrong forward pass is none to it.
- **relative error**: abs(a - n) / max(abs(a), abs(n)) of the worst element, a the fault's gradient and n autograd's,
  both in float64, against 1e-7.

*wrong* is what such a check objects to, *right* what it lets pass; *rounding* is an objection in float32 that is none
in float64: rounding alone decides it, and may decide otherwise on another machine. The other checks are asked about
the gradients: of a fault in a running average, an optimizer, a schedule or a clipping, which the verdict finds in what
is carried to the next step, they say *right*.
"""


@dataclass(frozen=True)
class Line:
    """What is said of one fault, as it stands in the table."""

    name: str
    sentence: str
    verdict: str
    roundings: str
    cause: str
    others: tuple[str, ...]

    def __str__(self) -> str:
        cause = f"`{self.cause}`" if self.cause not in ("", UNKNOWN) else self.cause
        sentence = self.sentence.replace("|", "\\|")
        cells = [f"`{self.name}`", sentence, self.verdict, self.roundings, cause, *self.others]
        return f"| {' | '.join(cells)} |"


def line_of(fault: Fault) -> tuple[Line, Outcome]:
    """Runs a fault in float32 with seed 1."""
    setup = setup_of(fault)
    outcome, recorder = kept(setup)
    found = objections(setup, recorder.records[fault.step].steps, fault.step)
    others: tuple[str, ...] = astuple(found)
    verdict, roundings = outcome.verdict.verdict, _decade(_worst(outcome))
    return Line(fault.name, fault.sentence, verdict, roundings, _cause(outcome, fault), others), outcome


def _worst(outcome: Outcome) -> float:
    """The worst roundings of the logic, of the steps and of the updates after them."""
    summaries = [*outcome.verdict.tensors.values(), *outcome.verdict.updates.values()]
    return float(np.nanmax([t.logic_roundings for t in summaries]))


def _cause(outcome: Outcome, fault: Fault) -> str:
    explanation = outcome.verdict.explanations.get(fault.name)
    if explanation is None:
        return ""
    return f"in part {explanation.cause}" if explanation.causes and explanation.unexplained else explanation.cause


def _decade(roundings: float) -> str:
    """A power of ten, cut off; anything that is below the limit is of the size of 1."""
    if roundings <= LIMIT:
        return "1"
    return f"1e{int(np.floor(np.log10(roundings)))}" if np.isfinite(roundings) else "inf"


def read(text: str) -> dict[str, Line]:
    """The lines of a document, by name."""
    rows = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| `") and row.count("|") > 9]
    found = {}
    for name, sentence, verdict, roundings, cause, *others in rows:
        words = sentence.replace("\\|", "|"), verdict, roundings, cause.strip(" `")
        found[name.strip("`")] = Line(name.strip("`"), *words, tuple(others))
    return found


def document(lines: Mapping[str, Line]) -> str:
    """The whole text, from a line of every fault."""
    parts = [HEAD, "## In short", _short(lines), "## Wrong formulas"]
    for family, faults in groupby(sorted(FAULTS, key=_family), key=_family):
        parts += [f"### {family}", _table(lines, list(faults))]
    parts += ["## Right formulas in lossy arithmetic", _table(lines, LOSSY), "## Right ones", _table(lines, RIGHT)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _family(fault: Fault) -> str:
    return fault.family


def _table(lines: Mapping[str, Line], faults: Sequence[Fault]) -> str:
    head = [f"| {' | '.join(COLUMNS + OTHERS)} |", f"|{'---|' * len(COLUMNS + OTHERS)}"]
    return "\n".join([*head, *(str(lines[fault.name]) for fault in faults)])


def _short(lines: Mapping[str, Line]) -> str:
    kinds = [[lines[fault.name] for fault in faults] for faults in (FAULTS, LOSSY, RIGHT)]
    wrong, lossy, right = kinds
    table = [
        f"| | {len(wrong)} wrong formulas | {len(lossy)} lossy ones | {len(right)} right ones |",
        "|---|---|---|---|",
    ]
    objecting = [("the verdict", [sum(line.verdict != "agree" for line in kind) for kind in kinds])]
    for i, name in enumerate(OTHERS):
        objecting.append((name, [sum(line.others[i] != "right" for line in kind) for kind in kinds]))
    table += [f"| {name} | {' | '.join(map(str, counts))} |" for name, counts in objecting]
    listed = [fault for fault in FAULTS if fault.cause not in ("", UNKNOWN)]
    unlisted = [fault for fault in FAULTS if fault.cause == UNKNOWN]
    named = sum(fault.cause in lines[fault.name].cause.split(", ") for fault in listed)
    silent = sum(lines[fault.name].cause == UNKNOWN for fault in unlisted)
    said = [
        f"The cause is named for {named} of the {len(listed)} faults that are a named mistake, or several of them at",
        f"once; for {silent} of the {len(unlisted)} that are none, no cause is named, not even in part. The other",
        f"{len(FAULTS) - len(listed) - len(unlisted)} begin after the gradients, where no cause is looked for.",
    ]
    return "\n".join(["How many of them each objects to:", "", *table, "", *said])
