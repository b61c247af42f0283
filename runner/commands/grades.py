"""A grade: what is known of one submission, and how it travels from the process that finds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FAILED = "failed"
"""Beside the verdicts of a run: there was nothing to judge."""


@dataclass(frozen=True)
class TensorGrade:
    """One tensor's row: the worst over all steps; NaN where it was not judged."""

    max_abs: float
    roundings: float
    logic_roundings: float
    ok: bool


@dataclass(frozen=True)
class Grade:
    """What was found.

    Attributes:
        verdict: A run's verdict, or ``failed``.
        cause: The names of the mistakes that explain it, ``unknown``, ``form``, or what kind of failure it was.
        sentence: The verdict in one sentence.
        details: All else that was found, a line each.
        first_tensor: Where it disagrees first, if anywhere.
        tensors: A row a tensor; empty where there was nothing to judge.
        printed: What the submission printed.
        seconds: How long it took.
    """

    verdict: str
    cause: str
    sentence: str
    details: list[str] = field(default_factory=list)
    first_tensor: str = ""
    tensors: dict[str, TensorGrade] = field(default_factory=dict)
    printed: str = ""
    seconds: float = 0.0

    def share_right(self, tensors: Sequence[str]) -> float:
        """The share of ``tensors``, which are all there are, that were judged and found right."""
        right = [name for name in tensors if name in self.tensors and self.tensors[name].ok]
        return len(right) / len(tensors)


def failed(cause: str, words: str, details: Sequence[str] = ()) -> Grade:
    """The grade of a submission that could not be judged."""
    return Grade(FAILED, cause, f"{FAILED}: {words}", list(details))


def dumped(grade: Grade) -> str:
    """As JSON; NaN stands as Python's json has it."""
    return json.dumps(asdict(grade))


def read_grade(path: Path) -> Grade | None:
    """The grade that a process has left; None if it left none."""
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    tensors = {name: TensorGrade(**row) for name, row in found.pop("tensors").items()}
    return Grade(**found, tensors=tensors)
