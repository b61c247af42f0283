"""The verdict in words."""

from __future__ import annotations

from collections.abc import Sequence

from runner.comparison.constants import LIMIT, SYSTEMATIC
from runner.comparison.explanation import Explanation
from runner.comparison.summary import Disagreement, RunVerdict

MEANING = {
    "mismatch": "the formula is wrong",
    "imprecise": "no wrong formula is found, but the arithmetic loses digits",
    "undecided": "rounding swallows what would tell them apart",
    "diverged": "a value is not finite",
}


def sentence(verdict: RunVerdict, backends: Sequence[str]) -> str:
    """One sentence: what was found, and where first."""
    names = f"{', '.join(backends[:-1])} and {backends[-1]}"
    if verdict.first is None:
        steps = "1 judged step" if verdict.judged_steps == 1 else f"{verdict.judged_steps} judged steps"
        words = f"agree: the gradients of {names} differ by rounding alone, over {steps}"
        return f"{words} (at most {number(verdict.worst('roundings'))} roundings)."
    first = verdict.first
    if first.form:
        return f"mismatch: {first.finding}; first at step {first.step}."
    return f"{verdict.verdict}: {MEANING[verdict.verdict]}; first at step {first.step} in {place(first)}."


def whole_verdict(verdict: RunVerdict, backends: Sequence[str]) -> list[str]:
    """The sentence, then, indented, all else that was found."""
    lines = [f"from step {step}: {finding}" for finding, step in verdict.findings.items()]
    if verdict.noise_over == "torch":
        lines.append("rounding was measured by noise in torch's own operations: the project has no layers for this")
    if verdict.blind_below:
        lines.append(blindness(verdict.blind_below))
    if verdict.first is not None and verdict.first.finding and not verdict.first.form:
        lines.append(verdict.first.finding)
    for backend, explanation in verdict.explanations.items():
        lines += [f"{backend}:"] if len(verdict.explanations) > 1 else []
        lines += explained(explanation)
    return [sentence(verdict, backends), *(f"  {line}" for line in lines)]


def explained(e: Explanation) -> list[str]:
    """Why, where, and what it looks like, a line each."""
    lines = []
    if len(e.causes) > 1:
        lines.append(f"{len(e.causes)} mistakes reproduce the numbers of {e.subject} to within rounding:")
    for cause in e.causes:
        tensors = f" in {', '.join(cause.tensors)}" if e.unexplained else ""
        lines.append(f"cause ({cause.name}){tensors}: {cause.sentence}")
        lines.append(f"right: {cause.formula}")
    if not e.causes:
        lines.append(f"cause: unknown; no named mistake reproduces the numbers of {e.subject}")
    elif e.unexplained:
        lines.append(f"not explained: {', '.join(e.unexplained)}")
    if e.pattern:
        lines.append(f"seen: {e.pattern}")
    if e.where:
        lines.append(f"where: {e.where}")
    if e.opinion is not None:
        lines.append(f"third opinion: {e.opinion.words}")
    return lines


def place(first: Disagreement) -> str:
    """The tensor, the element, both values, and how far they are apart."""
    index = f"[{', '.join(map(str, first.index))}]" if first.index else ""
    apart = "" if first.roundings != first.roundings else f", {number(first.roundings)} roundings apart"
    digits = 9 if f"{first.value:.9g}" != f"{first.reference_value:.9g}" else 17
    values = f"{first.backend} has {first.value:.{digits}g}, {first.reference} has {first.reference_value:.{digits}g}"
    return f"{first.tensor}{index}: {values}{apart}"


def number(value: float) -> str:
    """A figure that a table has room for; nothing where it is not known."""
    if value != value:
        return "-"
    return f"{value:.1f}" if 0 <= value < 1e4 else f"{value:.1e}"


def small(value: float) -> str:
    """A deviation; nothing where it is not known."""
    return "-" if value != value else f"{value:.2e}"


def blindness(share: float) -> str:
    """What could not be seen where a backend computes in nothing wider than float32."""
    seen = f"a fault below {share:.0e} of a tensor's largest gradient would not have been seen"
    return f"judged in float32: {seen}, and one below {SYSTEMATIC / LIMIT * share:.0e} is not told from lost digits"
