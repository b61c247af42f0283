"""Every wrong formula is found: a mismatch, at the right step, in the right tensor, with the right cause."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from runner.assemble import Setup
from runner.data.base import Stream, generator
from runner.experiment import run_experiment
from runner.outcome import Silent
from runner.steps import batches
from tests.faults.command_line import groups
from tests.faults.fault import UNKNOWN, Fault, assert_is_found
from tests.faults.library import EVERY, FAULTS, PERCEPTRON
from tests.faults.setups import setup_of
from tests.helpers import FAULTS as CONF
from tests.helpers import first_of, kept, make_setup, run

BESIDE = [
    "not_a_number",
    "one_sign_at_the_bottom",
    "relu_active_at_zero",
    "sigmoid_with_half_precision_exp",
    "tanh_from_sigmoid",
]
"""Tried in tests of their own: a NaN; another's formula in another tensor; right, or lossy, in some networks alone."""

EVERY_ACTIVATION = (
    "architecture.layers=[{layer: linear, out: 5}, {layer: sigmoid}, {layer: linear, out: 5}, {layer: sigmoid},"
    "{layer: linear, out: 5}, {layer: tanh}, {layer: linear, out: 4}, {layer: relu}, {layer: linear, out: 1}]"
)
SIZES = ["data.samples=10", "batch_size=5", "data.features=5", "data.high=9", "seed=5", "lr=0.3", "dtype=float64"]

CHOSEN = [fault for fault in EVERY if fault.name != "scratch"]

every_row = pytest.mark.parametrize("fault", [f for f in CHOSEN if f.family], ids=[f.name for f in CHOSEN if f.family])


def test_every_fault_that_can_be_chosen_is_in_the_table_once() -> None:
    tried = [fault.name for fault in CHOSEN] + BESIDE
    assert sorted(file.stem for file in (CONF / "backend").glob("*.yaml")) == sorted(tried)


@every_row
def test_a_fault_says_what_it_is_in_the_table_in_its_file_and_in_its_class(fault: Fault) -> None:
    package, words, target = (CONF / "backend" / f"{fault.name}.yaml").read_text(encoding="utf-8").splitlines()
    assert package == f"# @package backend.{fault.name}"
    assert target.startswith(f"_target_: tests.faults.{fault.family}.")
    assert words.removeprefix("# ") == type(setup_of(fault).backends[fault.name]).__doc__
    assert fault.sentence


def test_there_are_three_hundred_faults_and_some_of_every_family() -> None:
    families = [fault.family for fault in FAULTS]
    assert len(FAULTS) >= 300
    assert min(families.count(family) for family in families) >= 5
    assert sum(fault.cause == UNKNOWN for fault in FAULTS) >= 150


def test_no_two_faults_are_one_formula() -> None:
    """On one network with every activation, by both losses, over two batches, no two of them compute the same."""
    names = [fault.name for fault in PERCEPTRON]
    told: dict[str, list[bytes]] = {name: [] for name in names}
    for loss in ("sse", "mse"):
        setup = make_setup(f"backend=[{','.join(names)},torch]", EVERY_ACTIVATION, *SIZES, f"loss={loss}")
        for name in names:
            backend = setup.backends[name].make(name, setup.problem, setup.dtype)
            backend.load(setup.initial)
            for x, y in batches(setup):
                step = backend.step(x, y, draws={})
                arrays = [step.loss, step.prediction, *step.gradients.values()]
                told[name].append(b"".join(np.asarray(a).tobytes() for a in arrays))
    assert [(a, b) for a, b in combinations(names, 2) if told[a] == told[b]] == []


def test_no_two_faults_of_one_configuration_are_one_formula() -> None:
    """In all that they compute and carry over its steps."""
    for group in groups([fault for fault in FAULTS if fault not in PERCEPTRON]):
        told = {fault.name: everything(setup_of(fault, "dtype=float64"), fault.name) for fault in group}
        assert [(a, b) for a, b in combinations(told, 2) if told[a] == told[b]] == []


def everything(setup: Setup, name: str) -> bytes:
    """The bits of the losses, the gradients and the states of a run on its own path."""
    backend = setup.backends[name].make(name, setup.problem, setup.dtype)
    backend.load(setup.initial)
    rng, told = generator(setup.seed, Stream.MASKS), []
    for x, y in batches(setup):
        step = backend.step(x, y, draws=setup.problem.network.draw(rng, len(x)))
        told += [np.array(a).tobytes() for a in (step.loss, step.prediction, *step.gradients.values())]
        backend.update()
        state = backend.state()
        told += [np.array(a).tobytes() for a in (*state.buffers.values(), *state.optimizer.values())]
    return b"".join(told + [np.array(a).tobytes() for a in backend.state().parameters.values()])


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_it_is_found_from_another_start_in_float64(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.comparison.verdict.explain", lambda *args: None)
    assert_is_found(fault, run_experiment(setup_of(fault, "dtype=float64", "seed=3"), Silent()))


ROUND = ["huber_gradient", "rounded_gradients"]
"""Of no named mistake, though one element is a round number, as if it were clipped."""

EXPLAINED = [fault for fault in FAULTS if fault.cause not in ("", UNKNOWN) or fault.name in ROUND]
"""Those that are none of the named mistakes are held against docs/faults.md, and many others in test_cause.py."""


@pytest.mark.parametrize("fault", EXPLAINED, ids=[fault.name for fault in EXPLAINED])
def test_its_cause_is_named_and_explains_all_of_it(fault: Fault) -> None:
    outcome = run_experiment(setup_of(fault, "dtype=float64", "seed=2"), Silent())
    assert_is_found(fault, outcome)
    explanation = outcome.verdict.explanations[fault.name]
    assert fault.cause in explanation.cause.split(", "), explanation
    if fault.cause != UNKNOWN:
        assert (explanation.unexplained, explanation.pattern) == ((), "")


@pytest.mark.parametrize("fault", ["missing_factor", "transposed_gradient", "one_element_off"])
@pytest.mark.parametrize("scale", [0.03, 10.0])
@pytest.mark.parametrize("batch", [1, 64])
def test_a_wrong_gradient_is_found_at_any_scale_of_the_targets(fault: str, scale: float, batch: int) -> None:
    size = [f"batch_size={batch}", f"data.samples={batch}"]
    outcome = run(f"backend=[{fault},torch]", f"data.high={scale}", *size)
    assert outcome.verdict.verdict == "mismatch", first_of(outcome)


@pytest.mark.parametrize(
    "backends", ["scratch,missing_factor,torch", "missing_factor,scratch,torch", "missing_factor,scratch"]
)
def test_the_wrong_backend_is_named_whatever_stands_beside_it(backends: str) -> None:
    setup = make_setup(f"backend=[{backends}]", "data.samples=3")
    outcome, recorder = kept(setup)
    assert first_of(outcome).backend == "missing_factor"
    verdicts = {c.backend: c.verdict for c in recorder.comparisons}
    assert verdicts.pop("missing_factor") == "mismatch"
    assert set(verdicts.values()) <= {"agree"}


def test_a_wrong_reference_disagrees_with_all_others() -> None:
    outcome, recorder = kept(make_setup("backend=[scratch,torch,missing_factor]", "data.samples=2"))
    assert outcome.verdict.verdict == "mismatch"
    assert {c.verdict for c in recorder.comparisons} == {"mismatch"}


def test_one_wrong_element_is_named_by_its_index_and_both_values() -> None:
    first = first_of(run("backend=[one_element_off,torch]", "data.samples=1"))
    assert first.index == (3, 4)
    assert first.value / first.reference_value - 1 == pytest.approx(1e-9, rel=1e-4)


def test_tensors_that_are_right_beside_a_wrong_one_are_ok() -> None:
    tensors = run("backend=[bias_sign_flipped,torch]", "data.samples=3").verdict.tensors
    assert {name for name, t in tensors.items() if not t.ok} == {"hidden_layer_1.bias"}


def test_the_formula_of_one_tensor_in_another_where_gradients_are_smallest_is_found() -> None:
    first = first_of(run("backend=[one_sign_at_the_bottom,torch]", "data.samples=3"))
    assert (first.step, first.tensor) == (0, "input_layer.bias")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_element_off_by_a_millionth_of_a_millionth_is_not_acquitted(dtype: str, seed: int) -> None:
    """4500 unit roundoffs, more than 30 roundings: at the limit of what can be told from lossy arithmetic."""
    setup = make_setup("backend=[one_element_hardly_off,torch]", "data.samples=5", f"dtype={dtype}", f"seed={seed}")
    outcome = kept(setup)[0]
    assert outcome.verdict.verdict in ("mismatch", "imprecise")
    assert (first_of(outcome).tensor, first_of(outcome).index) == ("hidden_layer_1.weight", (3, 4))


@pytest.mark.parametrize("fault", ["mean_of_gradients", "mean_for_sum", "bias_not_summed", "of_last_step"])
def test_what_is_wrong_in_a_batch_or_at_a_second_step_alone_agrees_on_a_single_sample(fault: str) -> None:
    assert run(f"backend=[{fault},torch]", "data.samples=1").verdict.agree


@pytest.mark.parametrize("order", ["not_a_number,torch", "torch,not_a_number", "torch,not_a_number,scratch"])
def test_a_nan_from_one_backend_alone_is_diverged_and_ends_the_run(order: str) -> None:
    outcome, recorder = kept(make_setup(f"backend=[{order}]", "data.samples=9"))
    first = first_of(outcome)
    assert outcome.verdict.verdict == "diverged"
    assert (first.step, first.tensor) == (3, "hidden_layer_1.bias")
    assert "not_a_number" in first.finding
    assert recorder.begun == [0, 1, 2, 3]
    assert [r.step for r in recorder.records] == [0, 1, 2, 3]


@pytest.mark.parametrize("order", ["not_a_number,torch", "torch,not_a_number", "torch,not_a_number,scratch"])
def test_what_is_named_of_a_nan_is_the_nan_and_the_backend_that_has_it(order: str) -> None:
    first = first_of(run(f"backend=[{order}]", "data.samples=5"))
    assert "not_a_number" in (first.backend, first.reference)
    assert first.index == (2,)
    assert np.isnan(first.value if first.backend == "not_a_number" else first.reference_value)
