"""One run under its recorder: from its start to its end, or to where it is abandoned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from runner import stopping
from runner.errors import AGREE, DISAGREE, RunError
from runner.printing import is_refused
from runner.records.status import remove_status

if TYPE_CHECKING:
    from runner.assemble import Setup
    from runner.outcome import Outcome
    from runner.records.identity import Identity
    from runner.records.recorder import RunRecorder
    from runner.records.stacked.recorder import StackRecorder

T = TypeVar("T")
Train = Callable[["Setup", "RunRecorder"], "Outcome"]
"""Trains and judges a run, its records told as it goes on: ``run_experiment``, or another that gives the same."""
Ready = Callable[[dict[str, Any]], None]
"""Takes what the status of a run that came to its end says of it, before the run is FINISHED in MLflow."""


class TooLate(KeyboardInterrupt):
    """A stop, or a full disk below standard output, that has come when the run was FINISHED."""


def record_run(
    setup: Setup,
    identity: Identity,
    status: dict[str, Any] | None = None,
    train: Train | None = None,
    ready: Ready | None = None,
) -> Outcome:
    """Runs and records; a run that could not finish is FAILED or KILLED, what was recorded kept.

    ``status`` is told the MLflow run's id under ``run_id``; ``train`` stands in for ``run_experiment``.
    """
    from runner.experiment import run_experiment
    from runner.records.minimal import minimal_case
    from runner.records.recorder import RunRecorder

    recorder = RunRecorder(setup, identity)
    remove_status(identity.folder)

    def work() -> Outcome:
        outcome = (train or run_experiment)(setup, recorder)
        minimal = minimal_case(setup, outcome, identity.folder)
        recorder.finish(outcome, minimal, lambda: None if ready is None else ready(ended(outcome)))
        return outcome

    return recorded(recorder, work, status)


def recorded(recorder: RunRecorder | StackRecorder, work: Callable[[], T], status: dict[str, Any] | None) -> T:
    """What ``work`` gives, from the recorder's start to its end or to where it is abandoned.

    ``status`` is told the MLflow run's id as soon as there is one, and what MLflow was not told.
    """
    try:
        return _worked(recorder, work, status)
    finally:
        if status is not None and recorder.unsent is not None:
            status["unsent"] = recorder.unsent


def _worked(recorder: RunRecorder | StackRecorder, work: Callable[[], T], status: dict[str, Any] | None) -> T:
    try:
        recorder.start()
        if status is not None:
            status["run_id"] = recorder.run_id
        return work()
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt) or stopping.was_asked()
        if not stopped:
            if recorder.finished and is_refused(error):  # told once more when the process flushes what is held back
                raise TooLate from error
            recorder.abandon("FAILED")
            raise
        stopping.heed()
        if recorder.finished:
            raise TooLate from error
        try:
            recorder.abandon("KILLED")
        except RunError as refusal:
            raise KeyboardInterrupt(str(refusal)) from error
        if isinstance(error, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from error


def ended(outcome: Outcome) -> dict[str, Any]:
    """What the status of a run that came to its end says of it."""
    from runner.comparison.drift import farthest

    verdict = outcome.verdict
    return {
        "status": AGREE if verdict.agree else DISAGREE,
        "verdict": verdict.verdict,
        "roundings": verdict.worst("roundings"),
        "logic_roundings": verdict.worst("logic_roundings"),
        "loss": list(outcome.losses.values())[-1][1] if outcome.losses else None,
        "losses": outcome.losses,
        **({"drift": farthest(outcome.drift)} if outcome.drift else {}),
    }
