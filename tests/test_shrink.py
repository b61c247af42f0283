"""A mismatch made smaller: what is left of it, and that it still fails the same way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from runner.arrays import Array
from runner.assemble import Setup
from runner.experiment import run_experiment
from runner.outcome import Outcome, Silent
from runner.shrink.reductions import ALL
from runner.shrink.search import Failure, _Search, _starts, failure_in, failure_of, shrink
from tests.helpers import make_setup, same_bits
from tests.own.shrinking import HARD_CODED, OF_MODULES, Particular, make_right


def ended(setup: Setup) -> Outcome:
    return run_experiment(setup, Silent())


def shrunk(*overrides: str) -> tuple[Failure, Setup]:
    """How the run fails, and what is left of it; it fails in that way."""
    setup = make_setup(*overrides)
    outcome = ended(setup)
    found, small = failure_of(outcome.verdict), shrink(setup, outcome)
    assert found is not None
    assert small is not None
    assert found.again(failure_in(small))
    return found, small


def kinds(setup: Setup) -> list[str]:
    return [type(place.layer).__name__ for place in setup.problem.network.places]


def widths(setup: Setup) -> list[int]:
    places = setup.problem.network.places
    return [setup.x.shape[1], *(place.output_shape[0] for place in places if place.parameters)]


def decimals_of(array: Array) -> int:
    return max(len(str(value).partition(".")[2]) for value in array.ravel())


def test_the_case_is_what_the_first_mismatch_started_from() -> None:
    setup = make_setup("backend=[missing_factor,torch]", "data.samples=4", "batch_size=3", "lr=0.5")
    case = ended(setup).case
    assert case is not None
    assert same_bits(case.x, setup.x[:3])
    assert same_bits(case.y, setup.y[:3])
    assert all(same_bits(case.state.parameters[name], value) for name, value in setup.initial.parameters.items())


def test_a_wrong_loss_is_left_with_one_sample_and_one_layer() -> None:
    found, small = shrunk("backend=[missing_factor,torch]", "batch_size=5", "data.samples=20")
    assert found.causes == {"missing_factor_2"}
    assert (small.x.shape, small.steps, widths(small)) == ((1, 1), 1, [1, 1])
    assert all(decimals_of(array) <= 1 for array in (small.x, small.y, *small.initial.parameters.values()))


def test_a_missing_slope_keeps_an_activation() -> None:
    _, small = shrunk("backend=[missing_slope,torch]", "architecture.hidden=[10,10,10]", "data.samples=3")
    assert kinds(small) == ["Linear", "Sigmoid", "Linear"]
    assert max(widths(small)) <= 2


def test_a_transposed_weight_keeps_a_square_layer_of_two() -> None:
    _, small = shrunk("backend=[transposed_weight,torch]", "data.samples=3")
    assert widths(small)[1:3] == [2, 2]


def test_a_dropped_sample_keeps_as_many_as_tell_it_from_its_like() -> None:
    found, small = shrunk("backend=[last_sample_dropped,torch]", "batch_size=10", "data.samples=20")
    assert found.causes == {"last_sample_dropped"}
    assert len(small.x) == 3  # of two, the last one dropped is the first one alone


def test_stale_weights_keep_the_step_before() -> None:
    found, small = shrunk("backend=[stale_weights,torch]", "data.samples=9", "batch_size=2", "epochs=2")
    assert found.causes == {"weight_stale"}
    assert (small.steps, small.batch_size, len(small.x)) == (2, 1, 2)


def test_steps_of_a_later_epoch_leave_out_the_short_batches_before() -> None:
    setup = make_setup("backend=[stale_weights,torch]", "data.samples=3", "batch_size=2", "epochs=5", "verdict.every=4")
    outcome = ended(setup)
    assert outcome.verdict.first is not None
    assert outcome.verdict.first.step == 4
    alone, from_the_first = _starts(setup, outcome)
    assert (alone.steps, from_the_first.steps) == (1, 3)
    assert same_bits(from_the_first.x, np.concatenate([setup.x[:2]] * 3))
    assert failure_in(alone) is None
    assert failure_in(from_the_first) == failure_of(outcome.verdict)


def test_a_function_of_three_layers_keeps_them_and_loses_samples_and_units() -> None:
    _, small = shrunk(*HARD_CODED)
    assert (len(small.x), widths(small)) == (1, [1, 1, 1, 1])
    assert kinds(small) == ["Linear", "Sigmoid", "Linear", "Sigmoid", "Linear"]


def test_a_backend_that_refuses_a_smaller_network_keeps_its_own() -> None:
    setup = make_setup("data.samples=2")
    setup = dataclasses.replace(setup, backends={"mine": Particular(), "torch": setup.backends["torch"]})
    small = shrink(setup, ended(setup))
    assert small is not None
    assert widths(small) == [1, 1, 1, 1]


@pytest.mark.parametrize("backends", ["[function,torch]", "[torch,scratch,function]"])
def test_a_wrong_form_stays_the_same_wrong_form(backends: str) -> None:
    path = "backend.function.path=tests.own.wrong:column"
    found, small = shrunk(f"backend={backends}", path, "batch_size=7")
    assert found.form == "function returned the gradient of input_layer.bias of shape (, ), not (,)"
    assert (len(small.x), widths(small), len(small.backends)) == (1, [1, 1], 2)


def test_a_module_that_is_no_list_of_layers_loses_samples_alone() -> None:
    found, small = shrunk(*OF_MODULES)
    assert not found.causes
    assert small.x.shape == (1, 3)
    assert list(small.initial.parameters) == [name for name, _ in make_right().named_parameters()]


def test_the_judged_backend_and_the_reference_are_left() -> None:
    _, small = shrunk("backend=[scratch,missing_factor,torch]", "data.samples=2")
    assert list(small.backends) == ["missing_factor", "torch"]


@pytest.mark.parametrize("name", ["missing_slope", "bias_not_summed", "one_element_off", "momentum_in_gradient"])
def test_nothing_that_a_reduction_proposes_still_fails(name: str) -> None:
    found, small = shrunk(f"backend=[{name},torch]", "batch_size=4", "data.samples=8", "architecture.hidden=[7,7]")
    proposals = [proposal for reduction in ALL for proposal in reduction(small)]
    assert not any(found.again(failure_in(proposal)) for proposal in proposals)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_every_proposal_is_a_run_of_the_same_dtype_whose_tensors_fit(dtype: str) -> None:
    setup = make_setup("architecture.hidden=[4,5,3]", "batch_size=3", "data.samples=7", f"dtype={dtype}", "epochs=2")
    for proposal in (p for reduction in ALL for p in reduction(setup)):
        assert len(proposal.x) == len(proposal.y)
        arrays = [proposal.x, proposal.y, *proposal.initial.parameters.values()]
        assert {array.dtype for array in arrays} == {setup.dtype}
        shapes = proposal.problem.network.shapes
        assert {name: value.shape for name, value in proposal.initial.parameters.items()} == shapes
        assert ended(proposal).verdict.agree


def test_a_tensor_that_grows_keeps_its_numbers_and_one_that_shrinks_its_first() -> None:
    setup = make_setup("architecture.hidden=[2,6,4]")
    (_, widened, narrowed) = [p for p in _proposals(setup, "fewer_layers") if len(widths(p)) == 4]
    assert (widths(widened), widths(narrowed)) == ([2, 2, 4, 1], [2, 2, 6, 1])
    old, last = setup.initial.parameters, narrowed.initial.parameters["hidden_layer_2.weight"]
    assert same_bits(widened.initial.parameters["hidden_layer_1.weight"], old["hidden_layer_2.weight"][:, :2].copy())
    assert same_bits(last[:, :4].copy(), old["hidden_layer_3.weight"])
    assert last[:, 4:].all()


def test_what_is_rounded_has_few_decimals_and_no_negative_zero() -> None:
    for decimals, proposal in enumerate(_proposals(make_setup("data.low=-1"), "rounder"), start=1):
        arrays = [proposal.x, proposal.y, *proposal.initial.parameters.values()]
        assert max(map(decimals_of, arrays)) == decimals
        assert not any(np.signbit(array[array == 0]).any() for array in arrays)


def _proposals(setup: Setup, name: str) -> Iterator[Setup]:
    (reduction,) = (reduction for reduction in ALL if reduction.__name__ == name)
    return reduction(setup)


def failure(causes: str = "", wrong: str = "wb", backend: str = "a", form: str = "") -> Failure:
    return Failure(backend, form, frozenset(causes), frozenset(wrong))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (None, False),
        (failure("x"), True),
        (failure("x", "w"), True),
        (failure("x", "wp"), False),
        (failure("xz"), False),
        (failure("z"), False),
        (failure(), False),
        (failure("x", backend="b"), False),
        (failure("x", form="raised"), False),
    ],
)
def test_the_same_failure_has_no_new_cause_and_no_new_wrong_tensor(other: Failure | None, same: bool) -> None:
    assert failure("xy").again(other) == same


def test_what_is_unknown_stays_unknown() -> None:
    assert failure().again(failure())
    assert not failure().again(failure("x"))


def test_a_search_ends_when_it_has_tried_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[Setup]()

    def failing(setup: Setup) -> Failure:
        tried.append(setup)
        return failure()

    monkeypatch.setattr("runner.shrink.search.failure_in", failing)
    setup = make_setup("batch_size=64", "data.samples=64", "architecture.hidden=[64,64]")
    _Search(failure(), left=3).descend(setup)
    assert len(tried) == 3


def test_a_function_that_prints_is_not_heard_while_the_search_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    setup = make_setup(
        "backend=[function,torch]", "backend.function.path=tests.own.shrinking:printing", "data.samples=2"
    )
    outcome = ended(setup)
    capsys.readouterr()
    assert shrink(setup, outcome) is not None
    assert capsys.readouterr().out == ""
