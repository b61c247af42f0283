"""A stack beside the runs that it is made of, and wrong backends that can be stacked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.base import Backend, BackendChoice, Problem, Step
from runner.backends.scratch import ScratchBackend
from runner.backends.torch import EAGER
from runner.comparison.constants import LIMIT
from runner.comparison.summary import RunVerdict, TensorSummary
from runner.data.base import Data, Parts, Samples
from runner.experiment import run_experiment
from runner.outcome import Outcome, Silent
from runner.stacked.run import Silent as SilentStack
from runner.stacked.run import StackedOutcome, run_stack
from runner.stacked.stack import stacked
from tests.faults.base import Altered
from tests.helpers import make_setup

CLOSE = 1e-4
"""Of two float32 runs that round differently, losses and parameters after some steps."""


@dataclass(frozen=True, kw_only=True)
class Wrong(BackendChoice):
    """A wrong backend of ``tests/faults``, whose wrong part works on any leading axes."""

    fault: Altered

    stacks: ClassVar[bool] = True

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return self.fault.make(name, problem, dtype)

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        return ScratchBackend(name, self.fault.alter(problem), dtype, replicas=(replicas,))


class _AlwaysTraining(ScratchBackend):
    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        return super().step(x, y, draws=draws)


@dataclass(frozen=True, kw_only=True)
class AlwaysTraining(BackendChoice):
    """In evaluation mode it goes by the batch too."""

    stacks: ClassVar[bool] = True

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return _AlwaysTraining(name, problem, dtype)

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        return _AlwaysTraining(name, problem, dtype, replicas=(replicas,))


@dataclass(frozen=True, kw_only=True)
class Growing(Data):
    """A seed more, a sample more."""

    def load(self, seed: int, columns: Sequence[str]) -> Parts:
        return Parts(Samples(np.ones((seed + 1, 2))))


def setups_of(*overrides: str, replicas: int = 3, wrong: BackendChoice | None = None) -> list[Setup]:
    """The runs of a stack, each as it is assembled alone; of ``wrong`` against torch, where it is given."""
    setups = [make_setup(*overrides, f"seed={seed}") for seed in range(1, replicas + 1)]
    if wrong is None:
        return setups
    return [dataclasses.replace(setup, backends={"wrong": wrong, "torch": EAGER}) for setup in setups]


def both(setups: list[Setup]) -> tuple[StackedOutcome, list[Outcome]]:
    return run_stack(stacked(setups), SilentStack()), [run_experiment(setup, Silent()) for setup in setups]


def assert_same(stack: StackedOutcome, alone: list[Outcome]) -> None:
    """Each replica is told what its own run is told, within rounding."""
    for k, own in enumerate(alone):
        told = f"seed {k + 1}"
        assert_same_verdict(stack.verdicts[k], own.verdict, told)
        for name, losses in own.losses.items():
            found = [float(part[k]) for part in stack.losses[name]]
            np.testing.assert_allclose(found, losses, rtol=CLOSE, atol=1e-7, err_msg=told)
        assert stack.final.keys() == own.final.keys()
        for name, value in own.final.items():
            np.testing.assert_allclose(stack.final[name][k], value, rtol=CLOSE, atol=CLOSE, err_msg=f"{told} {name}")


def assert_same_verdict(found: RunVerdict, own: RunVerdict, told: str) -> None:
    assert found.verdict == own.verdict, told
    assert found.diverged == own.diverged, told
    assert found.judged_steps == own.judged_steps, told
    assert found.noise_over == own.noise_over
    assert (found.first is None) == (own.first is None), told
    if found.first is not None and own.first is not None:
        assert (found.first.step, found.first.tensor) == (own.first.step, own.first.tensor), told
    assert {n: e.cause for n, e in found.explanations.items()} == {n: e.cause for n, e in own.explanations.items()}
    _assert_same_tensors(found.tensors, own.tensors, told)
    _assert_same_tensors(found.updates, own.updates, told)


def _assert_same_tensors(found: Mapping[str, TensorSummary], own: Mapping[str, TensorSummary], told: str) -> None:
    assert found.keys() == own.keys(), told
    for name, mine in found.items():
        theirs = own[name]
        assert mine.ok == theirs.ok, f"{told} {name}"
        if name.endswith("num_batches_tracked"):
            assert mine.roundings == theirs.roundings == 0
        for kind in ("roundings", "logic_roundings"):
            a, b = getattr(mine, kind), getattr(theirs, kind)
            within = max(a, b) <= LIMIT or 0.2 < a / b < 5 or (np.isnan(a) and np.isnan(b))
            assert within, f"{told} {name} {kind}: {a} and {b}"
