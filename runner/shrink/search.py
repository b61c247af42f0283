"""The search: what is smaller and still fails the same way takes the place of what was there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from itertools import takewhile

from runner import stopping
from runner.assemble import Setup
from runner.comparison.summary import RunVerdict
from runner.experiment import run_experiment
from runner.outcome import Outcome, Silent
from runner.shrink.reductions import ALL, OF_NUMBERS, of_steps
from runner.steps import batches

MOST = 300
"""Runs that a search may try."""


@dataclass(frozen=True)
class Failure:
    """How a run fails.

    Attributes:
        backend: Where the first mismatch is.
        form: What is wrong with the form, in words without digits; empty if it is the numbers.
        causes: The names of the mistakes that reproduce the numbers; empty if the cause is unknown.
        wrong: The kinds of tensors that are wrong: loss, prediction, weight, bias.
    """

    backend: str
    form: str
    causes: frozenset[str]
    wrong: frozenset[str]

    def again(self, other: Failure | None) -> bool:
        """Whether ``other`` is the same failure, as clear as this one: no cause and no kind of wrong tensor is new."""
        if other is None or (other.backend, other.form) != (self.backend, self.form):
            return False
        known = bool(self.causes) == bool(other.causes)
        return known and other.causes <= self.causes and other.wrong <= self.wrong


def failure_of(verdict: RunVerdict) -> Failure | None:
    """How the run fails if it is a mismatch."""
    first = verdict.first
    if verdict.verdict != "mismatch" or first is None:
        return None
    form = re.sub(r"\d+", "", first.finding) if first.form else ""
    explanation = verdict.explanations.get(first.backend)
    if explanation is None:
        return Failure(first.backend, form, frozenset(), frozenset())
    tensors = [*explanation.unexplained, *(tensor for cause in explanation.causes for tensor in cause.tensors)]
    wrong = frozenset(tensor.rpartition(".")[2] for tensor in tensors)
    return Failure(first.backend, form, frozenset(cause.name for cause in explanation.causes), wrong)


def failure_in(setup: Setup) -> Failure | None:
    """How that run fails; None too where a backend cannot follow."""
    try:
        for choice in setup.backends.values():
            choice.fits(setup.problem.network)
        with redirect_stdout(io.StringIO()):  # a user's function may print
            verdict = run_experiment(setup, _Heeding()).verdict
    except Exception:  # made for other shapes, a backend may raise anything
        return None
    return failure_of(verdict)


def shrink(setup: Setup, outcome: Outcome) -> Setup | None:
    """A smaller run that fails as ``outcome`` does, a mismatch; None if not even its beginning does, run again."""
    failure = failure_of(outcome.verdict)
    assert failure is not None
    search = _Search(failure)
    start = search.first(_starts(setup, outcome))
    return None if start is None else search.descend(start)


@dataclass
class _Search:
    failure: Failure
    left: int = MOST

    def first(self, proposals: Iterator[Setup]) -> Setup | None:
        """The first that fails the same way."""
        affordable = takewhile(lambda _: self.left > 0, proposals)
        return next((setup for setup in affordable if self._fails(setup)), None)

    def descend(self, setup: Setup) -> Setup:
        """Reduces until no reduction helps."""
        reductions = ALL if setup.problem.network.derived else OF_NUMBERS
        reduced = True
        while reduced:
            reduced = False
            for reduction in reductions:
                while (smaller := self.first(reduction(setup))) is not None:
                    setup, reduced = smaller, True
        return setup

    def _fails(self, setup: Setup) -> bool:
        self.left -= 1
        return self.failure.again(failure_in(setup))


def _starts(setup: Setup, outcome: Outcome) -> Iterator[Setup]:
    """The failing step alone, between the two backends alone; else all steps up to it, for what is carried along."""
    first, case = outcome.verdict.first, outcome.case
    assert first is not None
    assert case is not None
    pair = {first.backend, first.reference}
    pair |= {next(iter(setup.backends))} if len(pair) == 1 else set()  # the reference itself has the wrong form
    setup = replace(
        setup,
        backends={name: choice for name, choice in setup.backends.items() if name in pair},
        lockstep=True,
        verdict_every=1,
        record_every=1,
        record_gradients=True,
        published=None,
        shrink=False,
    )
    yield of_steps(replace(setup, initial=case.state), [(case.x, case.y)])
    steps = [step for step, _ in zip(batches(setup), range(first.step + 1), strict=False)]
    if len(steps) > 1:
        yield of_steps(setup, [s for i, s in enumerate(steps) if len(s[0]) == setup.batch_size or i == first.step])


class _Heeding(Silent):
    """Heeds a stop."""

    def progress(self, step: int) -> None:
        stopping.check()
