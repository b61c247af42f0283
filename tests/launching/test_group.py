"""Jobs that train as one stack: each is told what its own run is told, and what goes wrong with one stays with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.base import Backend, Problem, Step
from runner.backends.scratch import Scratch, ScratchBackend
from runner.backends.torch import EAGER
from runner.comparison.results import Comparison
from runner.launching.group import Group
from runner.outcome import Outcome, Record
from tests.helpers import Kept, kept, make_setup
from tests.stacked.helpers import CLOSE, assert_same_verdict

SHORT = ("data.samples=5", "data.held_out=0.4", "epochs=2", "optimizer.momentum=0.5", "verdict.every=2")


class Full(Kept):
    """Keeps records until the disk is full."""

    def write(self, record: Record) -> None:
        if record.step == 1:
            raise OSError("No space left on device")
        super().write(record)


class _Broken(ScratchBackend):
    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        raise ValueError("not yet written")


@dataclass(frozen=True, kw_only=True)
class Broken(Scratch):
    """Raises where it computes many runs."""

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        return _Broken(name, problem, dtype, replicas=(replicas,))


def trained(jobs: Sequence[tuple[Setup, Kept]]) -> list[Outcome | Exception]:
    """What each job is given, or what is raised in it; each begins where the one before it comes to its training."""
    waiting, left = deque(enumerate(jobs)), dict[int, Outcome | Exception]()

    def begin() -> None:
        while waiting:
            k, job = waiting.popleft()
            try:
                left[k] = group.train(*job)
            except Exception as error:
                left[k] = error

    group = Group(begin)
    begin()
    return [left[k] for k in range(len(jobs))]


def apart() -> list[Setup]:
    """Three runs with learning rates and seeds of their own, not in their order."""
    return [make_setup(*SHORT, f"lr={lr}", f"seed={seed}") for lr, seed in (("0.1", 3), ("0.01", 1), ("0.1", 2))]


def assert_like_alone(found: Outcome | Exception, recorder: Kept, setup: Setup) -> None:
    own, told = kept(setup)
    assert isinstance(found, Outcome)
    assert_same_verdict(found.verdict, own.verdict, f"seed {setup.seed}")
    for name, value in own.final.items():
        np.testing.assert_allclose(found.final[name], value, rtol=CLOSE, atol=CLOSE, err_msg=name)
    assert recorder.begun == told.begun
    assert [record.step for record in recorder.records] == [record.step for record in told.records]
    for mine, theirs in zip(recorder.records, told.records, strict=True):
        for name, step in theirs.steps.items():
            np.testing.assert_allclose(mine.steps[name].loss, step.loss, rtol=CLOSE)
    for found_of, own_of in ((recorder.comparisons, told.comparisons), (recorder.updates, told.updates)):
        assert list(map(looks, found_of)) == list(map(looks, own_of))
    assert [epoch.step for epoch in recorder.epochs] == [epoch.step for epoch in told.epochs]
    assert (found.epoch is None) == (own.epoch is None)
    for ended, own_epoch in zip(recorder.epochs, told.epochs, strict=True):
        for part in ("train", "held_out"):
            for name, scores in getattr(own_epoch, part).items():
                assert getattr(ended, part)[name].loss == pytest.approx(scores.loss, rel=CLOSE)


def looks(comparison: Comparison) -> tuple[str | None, int, int]:
    return comparison.verdict, comparison.precision_look, comparison.logic_look


def test_each_is_told_what_its_own_run_is_told() -> None:
    jobs = [(setup, Kept()) for setup in apart()]
    for found, (setup, recorder) in zip(trained(jobs), jobs, strict=True):
        assert_like_alone(found, recorder, setup)


def test_a_job_whose_samples_have_another_shape_runs_by_itself() -> None:
    jobs = [(setup, Kept()) for setup in (*apart()[:2], make_setup(*SHORT, "data.features=3"))]
    for found, (setup, recorder) in zip(trained(jobs), jobs, strict=True):
        assert_like_alone(found, recorder, setup)


def test_what_goes_wrong_with_the_records_of_one_is_raised_in_it_alone() -> None:
    jobs = list(zip(apart(), (Kept(), Full(), Kept()), strict=True))
    first, second, third = trained(jobs)
    assert isinstance(second, OSError)
    assert_like_alone(first, *jobs[0][::-1])
    assert_like_alone(third, *jobs[2][::-1])


def test_what_goes_wrong_in_the_training_is_raised_in_all() -> None:
    jobs = [(replace(setup, backends={"broken": Broken(), "torch": EAGER}), Kept()) for setup in apart()]
    assert [str(left) for left in trained(jobs)] == ["not yet written"] * 3
