"""Runs in 16 bits: right backends agree, wrong formulas are found, and lost digits are told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from runner.arrays import DTYPES, Array
from runner.backends.scratch import Scratch
from runner.comparison.point import Point
from runner.comparison.rounding import own_errors
from runner.comparison.sides import Sides
from runner.comparison.tensors import layout_of
from tests.helpers import Kept, first_of, kept, make_setup, run, with_parameters

every_half = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])


@pytest.mark.parametrize("batch", [1, 10, 100])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@every_half
def test_right_backends_agree(dtype: str, activation: str, batch: int) -> None:
    for seed, loss, backends in ((1, "sse", "scratch,torch"), (2, "mse", "torch,scratch")):
        keys = [f"dtype={dtype}", f"batch_size={batch}", f"loss={loss}", f"seed={seed}", "lr=0.005"]
        keys += [
            "data.samples=100",
            f"architecture.activation={activation}",
            f"verdict.every={25 if batch == 1 else 1}",
        ]
        outcome, recorder = kept(make_setup(f"backend=[{backends}]", *keys))
        assert outcome.verdict.agree, (seed, first_of(outcome))
        assert {c.precision_look for c in recorder.comparisons} <= {0, 1}, "their own errors are no measure"
        assert_in(dtype, recorder)


def assert_in(dtype: str, recorder: Kept) -> None:
    for record in recorder.records:
        for step in record.steps.values():
            assert {v.dtype for v in (step.loss, step.prediction, *step.gradients.values())} == {DTYPES[dtype]}


@every_half
def test_with_lockstep_both_go_on_from_the_same_bits_and_without_each_from_its_own(dtype: str) -> None:
    setup = make_setup(f"dtype={dtype}", "data.samples=20")
    assert set(kept(setup)[0].drift) == set()
    parted = kept(dataclasses.replace(setup, lockstep=False))[0].drift["scratch"]
    assert 0 <= parted.last.roundings[-1] < 100


@every_half
@pytest.mark.parametrize("scale", [1e-4, 1e-6, 1e-9])
def test_gradients_that_vanish_on_both_sides_are_no_loss_of_digits(dtype: str, scale: float) -> None:
    """In float16 they fall below 6e-8 on their way."""
    setup = make_setup(f"dtype={dtype}", "data.samples=6", "batch_size=3", "architecture.hidden=[6,6,6]", "lr=0")
    small = {n: scale * v.astype(np.float64) for n, v in setup.initial.parameters.items()}
    outcome, recorder = kept(with_parameters(setup, small))
    assert outcome.verdict.agree, first_of(outcome)
    assert {c.precision_look for c in recorder.comparisons} == {1}


@every_half
@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("backend", ["missing_factor", "missing_slope", "transposed_gradient", "one_element_off"])
def test_a_wrong_formula_is_found_in_a_run_of_16_bits(dtype: str, backend: str, batch: int) -> None:
    outcome = run(f"backend=[{backend},torch]", f"dtype={dtype}", f"batch_size={batch}", "data.samples=20")
    assert outcome.verdict.verdict == "mismatch"
    assert first_of(outcome).step == 0


@every_half
def test_digits_that_16_bits_have_and_a_backend_loses_are_imprecise(dtype: str) -> None:
    """tanh z = 2 sigmoid(2 z) - 1 cancels where z is small."""
    for backend, verdict in (("tanh_from_sigmoid", "imprecise"), ("scratch", "agree")):
        keys = [f"backend=[{backend},torch]", f"dtype={dtype}", "architecture.activation=tanh", "lr=0"]
        setup = make_setup(*keys, "data.high=0.001", "data.samples=5")
        biases = {n: np.zeros_like(v) for n, v in setup.initial.parameters.items() if n.endswith("bias")}
        outcome, recorder = kept(with_parameters(setup, biases))
        assert outcome.verdict.verdict == verdict
        assert (outcome.verdict.worst("roundings") > 30) == (verdict == "imprecise")
        assert_in(dtype, recorder)


@every_half
def test_a_side_that_errs_more_than_both_others_is_measured_by_their_errors_and_not_its_own(dtype: str) -> None:
    setup = make_setup("backend=[missing_factor,torch]", f"dtype={dtype}", "data.samples=4", "batch_size=4")
    layout, sides = layout_of(setup.problem.network, 4), Sides(setup.problem, setup.backends, "torch")
    parameters = {name: value.astype(np.float64) for name, value in setup.initial.parameters.items()}
    point = Point(sides, layout, parameters, setup.x.astype(np.float64), setup.y.astype(np.float64))
    squares: Array = np.zeros(layout.size)
    for choice in (setup.backends["torch"], Scratch()):
        tensors = []
        for to in (setup.dtype, DTYPES["float64"]):
            backend = choice.make("any", setup.problem, to)
            backend.load(setup.initial)
            tensors.append(layout.flat("any", backend.step(setup.x, setup.y, draws={})))
        error = own_errors(layout, [(tensors[0], tensors[1])])
        assert error is not None
        squares = squares + error**2
    found = point.sigma_of_own_errors({}, dtype)
    assert found is not None
    np.testing.assert_allclose(found, np.sqrt(squares), rtol=1e-9)
    broken = np.full(layout.size, np.inf)
    alone = point.sigma_of_own_errors({"the library": broken}, dtype)
    assert alone is not None
    assert (alone <= found).all()
    assert point.sigma_of_own_errors({"the library": broken, "torch": broken}, dtype) is None
