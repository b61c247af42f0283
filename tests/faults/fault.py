"""What a row of the table of faults says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from runner.outcome import Outcome
from tests.helpers import first_of

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fault:
    """A backend that is deliberately wrong; it is chosen by ``backend=[NAME,torch]``.

    Attributes:
        name: Its name, which is that of its file in ``conf/backend``.
        sentence: What is wrong.
        tensor: The first tensor that is wrong, in the order of computation.
        cause: The named mistake that must be among the causes; "unknown" where it is on no list; empty where none is
            looked for: of what is imprecise, and of what comes after the gradients.
        overrides: The configuration under which it shows.
        step: The first step that is wrong.
        verdict: The verdict.
        family: The module that it is in.
    """

    name: str
    sentence: str
    tensor: str
    cause: str
    overrides: tuple[str, ...] = ()
    step: int = 0
    verdict: str = "mismatch"
    family: str = ""

    def on(self, *more: str) -> list[str]:
        """The overrides of a run against torch."""
        return [f"backend=[{self.name},torch]", f"data.samples={self.step + 1}", *self.overrides, *more]


def assert_is_found(fault: Fault, outcome: Outcome) -> None:
    """The verdict is the fault's, at its step and in its tensor."""
    first = first_of(outcome)
    assert outcome.verdict.verdict == fault.verdict, first
    assert (first.step, first.tensor) == (fault.step, fault.tensor), first
    assert (first.backend, first.reference) == (fault.name, "torch")
    assert first.roundings > 30
    assert first.value != first.reference_value
    assert not {**outcome.verdict.tensors, **outcome.verdict.updates}[fault.tensor].ok


def family(name: str, *faults: Fault) -> list[Fault]:
    """The faults of the module of that name."""
    return [replace(fault, family=name) for fault in faults]
