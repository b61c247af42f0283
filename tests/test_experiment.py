"""One run: batches, lockstep, what is recorded and judged, and where it ends."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from runner.backends.base import Backend, BackendChoice, Problem
from runner.comparison.results import Comparison
from runner.steps import batches, is_judged, is_recorded
from tests.helpers import first_of, kept, make_setup, run, same_bits


def judged(comparisons: list[Comparison]) -> list[bool]:
    assert all((c.logic is not None) == (c.verdict is not None) for c in comparisons)
    return [c.logic is not None for c in comparisons]


def test_batches_are_the_data_in_its_own_order_the_last_one_short_in_every_epoch() -> None:
    setup = make_setup("data.samples=7", "batch_size=3", "epochs=2")
    found = list(batches(setup))
    assert [len(x) for x, _ in found] == [3, 3, 1, 3, 3, 1]
    assert setup.steps == 6
    assert same_bits(np.concatenate([x for x, _ in found[:3]]), setup.x)
    assert same_bits(np.concatenate([y for _, y in found[3:]]), setup.y)


def test_every_seventh_step_is_recorded_and_the_last() -> None:
    outcome, recorder = kept(make_setup("record.every=7", "data.samples=20"))
    assert [r.step for r in recorder.records] == [0, 7, 14, 19]
    assert recorder.begun == list(range(20))
    assert judged(recorder.comparisons) == [True] * 4
    assert outcome.verdict.judged_steps == 4


def test_every_third_of_the_recorded_steps_is_judged_and_the_last() -> None:
    outcome, recorder = kept(make_setup("verdict.every=3", "data.samples=11"))
    assert [r.step for r in recorder.records] == list(range(11))
    at = [i for i, is_it in enumerate(judged(recorder.comparisons)) if is_it]
    assert at == [0, 3, 6, 9, 10]
    assert outcome.verdict.judged_steps == 5


def test_judging_counts_recorded_steps_not_all_steps() -> None:
    setup = make_setup("verdict.every=2", "record.every=2", "data.samples=12")
    _, recorder = kept(setup)
    assert [r.step for r in recorder.records] == [0, 2, 4, 6, 8, 10, 11]
    at = [r.step for r in recorder.records if r.comparisons[0].logic is not None]
    assert at == [0, 4, 8, 11]
    assert [s for s in range(12) if is_recorded(setup, s) and is_judged(setup, s)] == at


def test_without_lockstep_the_first_step_alone_is_judged() -> None:
    outcome, recorder = kept(make_setup("lockstep=false", "data.samples=6"))
    assert judged(recorder.comparisons) == [True, *[False] * 5]
    assert outcome.verdict.judged_steps == 1
    assert outcome.verdict.agree


def test_a_mistake_at_the_first_step_is_found_without_lockstep() -> None:
    outcome = run("backend=[missing_factor,torch]", "lockstep=false", "data.samples=6")
    assert outcome.verdict.verdict == "mismatch"
    assert first_of(outcome).step == 0


@pytest.mark.parametrize("lockstep", [True, False])
def test_lockstep_copies_the_last_backends_state_and_without_it_each_follows_its_own_path(lockstep: bool) -> None:
    made: dict[str, Backend] = {}
    setup = make_setup("backend=[missing_factor,scratch,torch]", f"lockstep={str(lockstep).lower()}", "data.samples=4")
    setup = dataclasses.replace(
        setup, backends={name: _Kept(choice=choice, made=made) for name, choice in setup.backends.items()}
    )
    outcome, recorder = kept(setup)
    last = {name: backend.state().parameters for name, backend in made.items()}
    equal = [same_bits(last["missing_factor"][name], value) for name, value in last["torch"].items()]
    assert equal == [lockstep] * len(equal)
    if lockstep:
        assert all(same_bits(last["scratch"][name], value) for name, value in last["torch"].items())
    assert all(same_bits(outcome.final[name], np.array(value)) for name, value in last["torch"].items())
    steps = recorder.records[1].steps
    parted = not same_bits(steps["missing_factor"].prediction, steps["torch"].prediction)
    far = float(np.abs(steps["missing_factor"].prediction - steps["torch"].prediction).max()) > 1e-4
    assert far != lockstep
    assert parted or lockstep


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Kept(BackendChoice):
    """A choice whose first backend is kept, to look into when the run is over; the verdict's twins come later."""

    choice: BackendChoice
    made: dict[str, Backend]

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        backend = self.choice.make(name, problem, dtype)
        self.made.setdefault(name, backend)
        return backend


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("lockstep", ["true", "false"])
def test_a_run_that_diverges_names_the_first_step_and_tensor_and_ends_there(every: int, lockstep: str) -> None:
    overrides = [f"record.every={every}", f"lockstep={lockstep}", "data.samples=20"]
    outcome, recorder = kept(make_setup("lr=1e30", *overrides))
    first = first_of(outcome)
    assert outcome.verdict.verdict == "diverged"
    broken = recorder.records[-1]
    assert broken.step == first.step == recorder.begun[-1] < 19
    assert first.step == first_of(run("lr=1e30", "data.samples=20", f"lockstep={lockstep}")).step
    loss, prediction = broken.steps["torch"].loss, broken.steps["torch"].prediction
    wanted = "loss" if np.isfinite(prediction).all() else "prediction"
    assert not np.isfinite(loss)
    assert first.tensor == wanted
    assert first.roundings != first.roundings
    assert not np.isfinite(first.value)
    assert not np.isfinite(first.reference_value)
    assert all(np.isfinite(r.steps["torch"].loss) for r in recorder.records[:-1])


@pytest.mark.parametrize("overrides", [[], ["dtype=float64"], ["backend=[sigmoid_in_single,torch]"], ["batch_size=8"]])
def test_the_same_run_twice_gives_the_same_bits(overrides: list[str]) -> None:
    one, two = (kept(make_setup("data.samples=24", "seed=5", *overrides)) for _ in range(2))
    assert one[0].verdict == two[0].verdict
    assert one[0].losses == two[0].losses
    assert all(same_bits(value, two[0].final[name]) for name, value in one[0].final.items())
    for a, b in zip(one[1].comparisons, two[1].comparisons, strict=True):
        assert a.logic is not None
        assert b.logic is not None
        pairs = [(getattr(a.deviation, k), getattr(b.deviation, k)) for k in ("max_abs", "max_rel", "rms")]
        for k in ("index", "value", "reference", "roundings", "sigma"):
            pairs += [(getattr(a.precision, k), getattr(b.precision, k)), (getattr(a.logic, k), getattr(b.logic, k))]
        assert all(same_bits(x, y) for x, y in pairs)
        assert (a.verdict, a.logic_look, a.precision_look) == (b.verdict, b.logic_look, b.precision_look)


def test_the_losses_are_those_of_the_first_and_the_last_recorded_step() -> None:
    outcome, recorder = kept(make_setup("record.every=4", "data.samples=10"))
    for name, losses in outcome.losses.items():
        assert losses == (float(recorder.records[0].steps[name].loss), float(recorder.records[-1].steps[name].loss))


def test_training_lowers_the_loss() -> None:
    outcome = run("data.samples=50", "batch_size=50", "epochs=20", "lr=0.001", "record.every=5")
    first, last = outcome.losses["scratch"]
    assert outcome.verdict.agree
    assert last < first


def test_what_is_compared_is_what_the_backends_computed() -> None:
    _, recorder = kept(make_setup("data.samples=3", "batch_size=3"))
    (record,) = recorder.records
    (comparison,) = record.comparisons
    mine, theirs = record.steps["scratch"], record.steps["torch"]
    for i, name in enumerate(comparison.layout.names):
        u, g = (
            np.asarray(getattr(s, name) if name in ("loss", "prediction") else s.gradients[name], dtype=np.float64)
            for s in (mine, theirs)
        )
        assert comparison.deviation.max_abs[i] == np.abs(u - g).max(), name
