"""All that is said about a mismatch: which side, why, where, what it looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import BackendChoice, FormError
from runner.backends.function import AnyFunction
from runner.backends.scratch import Scratch
from runner.comparison.cause import causes
from runner.comparison.constants import LIMIT
from runner.comparison.looks import Judged, judge_logic
from runner.comparison.observed import Cause, Observed
from runner.comparison.opinion import Opinion, third_opinion
from runner.comparison.pattern import pattern
from runner.comparison.point import Point
from runner.comparison.sides import Sides
from runner.comparison.where import LayerRow, layer_rows, where_in_words

WORDS = {"torch": "(out, in), as torch has them", "in_out": "(in, out), as in x W"}
"""The two layouts of a weight matrix, as a person says them."""


@dataclass(frozen=True)
class Explanation:
    """Why a step is a mismatch, as far as it is known.

    Attributes:
        subject: The backend whose numbers are explained: the one that differs from the library.
        causes: The mistakes that reproduce them; several where several do.
        unexplained: The wrong tensors that no cause explains.
        pattern: What is seen where no cause explains all; empty otherwise.
        where: Where it goes wrong, layer by layer; empty where the backend gives no activations.
        layers: The roundings that this was read from.
        opinion: Which side is right, by central differences of the loss; None where no step can be made.
    """

    subject: str
    causes: tuple[Cause, ...] = ()
    unexplained: tuple[str, ...] = ()
    pattern: str = ""
    where: str = ""
    layers: tuple[LayerRow, ...] = ()
    opinion: Opinion | None = None

    @property
    def cause(self) -> str:
        """The names of the causes, or that there is none known."""
        return ", ".join(dict.fromkeys(c.name for c in self.causes)) or "unknown"


def explain(name: str, judged: Judged, previous: Point | None) -> Explanation:
    """The explanation of a mismatch of the side ``name``; ``previous`` is the point of the step before."""
    point = judged.point
    assert point is not None
    subject, seen = _subject(name, judged, point)
    observed = Observed(point, seen, point.library, judged.sigma, previous)
    derived = point.sides.problem.network.derived
    layout = _layout_cause(subject, point, observed) if derived else None
    found = [layout] if layout is not None else causes(observed) if derived else []
    explained = {tensor for cause in found for tensor in cause.tensors}
    unexplained = tuple(tensor for tensor in observed.suspects if tensor not in explained)
    rows = layer_rows(point, subject) if derived else []
    return Explanation(
        subject=subject,
        causes=tuple(found),
        unexplained=unexplained,
        pattern=pattern(observed, unexplained) if unexplained else "",
        where=where_in_words(rows),
        layers=tuple(rows),
        opinion=third_opinion(point, name, observed.suspects),
    )


def explain_form(fault: FormError, point: Point) -> Explanation | None:
    """Whether a function that cannot be called as it is would be right in the other layout of weights."""
    cause = _layout_cause(fault.backend, point, None) if point.sides.problem.network.derived else None
    return None if cause is None else Explanation(fault.backend, (cause,))


def _subject(name: str, judged: Judged, point: Point) -> tuple[str, Array]:
    """The side that differs from the library: the judged one, or the reference if that alone does."""
    reference = point.sides.reference

    def differs(values: Array) -> bool:
        return bool((np.abs(values - point.library) > LIMIT * judged.sigma).any())

    if not differs(judged.u) and differs(judged.g):
        return reference, judged.g
    return name, judged.u


def _layout_cause(subject: str, point: Point, observed: Observed | None) -> Cause | None:
    """A function that is right in the other layout of weights has no wrong derivation."""
    choice = point.sides.choices.get(subject)
    if not isinstance(choice, AnyFunction):
        return None
    other = choice.in_other_layout()
    choices: dict[str, BackendChoice] = {subject: other, "the library": Scratch()}
    sides = Sides(point.sides.problem, choices, "the library")
    there = Point(sides, point.layout, point.parameters, point.x, point.y, point.dtype)
    try:
        if not np.isfinite(there.high(subject)).all():
            return None
        judged = judge_logic(subject, there, there.sigma_of_two_precisions({}))
    except FormError:
        return None
    if judged.verdict != "agree":
        return None
    return Cause(
        "weight_layout",
        f"a question of layout, not of the derivation: taken with weights as {WORDS[other.layout]}, it agrees",
        other.as_told(subject, "layout", other.layout),
        tuple(observed.suspects) if observed is not None else (),
        float(judged.roundings.max()),
    )
