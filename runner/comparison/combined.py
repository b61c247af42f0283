"""Several mistakes at once: which can be made together, and how far they explain what is seen."""

from __future__ import annotations

from dataclasses import dataclass

from runner.comparison.mistakes.base import Alteration
from runner.comparison.observed import Cause


@dataclass(frozen=True)
class Trial:
    """Some mistakes at once.

    Attributes:
        near: Whether they come near all that is seen.
        reach: How many of the first tensors match.
        matched: How many tensors match, wherever they are.
    """

    made: tuple[Alteration, ...]
    near: bool
    reach: int
    matched: int


def overlap(a: Alteration, made: tuple[Alteration, ...]) -> bool:
    """Two mistakes cannot be made at the same place."""
    return any(
        (a.loss and m.loss)
        or (a.end and m.end and not (a.tensor and m.tensor and a.tensor != m.tensor))
        or a.leaving.keys() & m.leaving.keys()
        or (a.gradient.keys() & m.gradient.keys() and a.name == m.name)
        or a is m
        or a.changes_forward
        for m in made
    )


def on_the_way(made: tuple[Alteration, ...]) -> bool:
    """Whether these mistakes can be the first ones of several: what is done to all gradients at the end is the last."""
    return all(a.tensor or not a.end for a in made) and (len(made) == 1 or not any(a.tensor for a in made))


def distinct(found: list[Cause]) -> list[Cause]:
    """Of mistakes with one name, the first: a mistake at one place is told before the same one at all places."""
    return list({c.name: c for c in reversed(found)}.values())[::-1]
