"""Backends that are right in another way agree, on kinks and where rounding is large."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from runner.arrays import Array
from runner.assemble import Setup
from tests.faults.fault import Fault
from tests.faults.library_right import VARIANTS
from tests.faults.setups import setup_of
from tests.helpers import first_of, kept, make_setup, with_parameters

RELU = "architecture.activation=relu"
BOTH = "backend=[scratch,other_order,torch]"

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def assert_agrees(setup: Setup, note: object, kinks: bool = False) -> None:
    outcome, _ = kept(setup)
    assert outcome.verdict.agree, (note, first_of(outcome))
    assert kinks or not outcome.verdict.findings, (note, outcome.verdict.findings)


def on_samples(setup: Setup, x: Array) -> Setup:
    x = x.astype(setup.dtype)
    return dataclasses.replace(setup, x=x, y=0.5 * np.square(x).sum(axis=1, keepdims=True))


def scaled(setup: Setup, scale: float) -> Setup:
    return with_parameters(setup, {name: scale * value for name, value in setup.initial.parameters.items()})


@every_dtype
@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.name for variant in VARIANTS])
def test_a_formula_written_in_another_way_agrees(variant: Fault, dtype: str) -> None:
    assert_agrees(setup_of(variant, f"dtype={dtype}", "seed=3"), variant.name)


def tenths(value: Array) -> Array:
    return np.round(10 * value.astype(np.float64)) / 10


@every_dtype
@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("seed", range(1, 9))
def test_relu_on_a_grid_of_tenths_agrees_in_any_order_of_summation(dtype: str, batch: int, seed: int) -> None:
    setup = make_setup(
        BOTH,
        RELU,
        f"dtype={dtype}",
        f"batch_size={batch}",
        f"seed={seed}",
        "data.samples=25",
        "data.features=4",
        "lr=0",
    )
    parameters = {name: tenths(value) for name, value in setup.initial.parameters.items()}
    x = tenths(setup.x)
    z = x @ parameters["input_layer.weight"].T + parameters["input_layer.bias"]
    assert (np.abs(z) < 1e-15).any(), f"seed {seed}: no unit lies on its kink"
    assert_agrees(on_samples(with_parameters(setup, parameters), x), f"seed {seed}", kinks=True)


@every_dtype
@pytest.mark.parametrize("batch", [1, 5])
def test_the_other_subgradient_at_zero_agrees_with_the_finding_of_a_kink(dtype: str, batch: int) -> None:
    sizes = [f"dtype={dtype}", f"batch_size={batch}", "data.samples=5"]
    setup = make_setup("backend=[relu_active_at_zero,torch]", RELU, *sizes)
    parameters = {name: value.copy() for name, value in setup.initial.parameters.items()}
    for row in (2, 5):
        parameters["input_layer.weight"][row] = 0
        parameters["input_layer.bias"][row] = 0
    outcome, recorder = kept(with_parameters(setup, parameters))
    first = recorder.records[0].steps
    assert not np.array_equal(
        first["relu_active_at_zero"].gradients["input_layer.bias"], first["torch"].gradients["input_layer.bias"]
    )
    assert outcome.verdict.agree, first_of(outcome)
    (finding,) = outcome.verdict.findings
    assert "kink" in finding
    assert outcome.verdict.findings[finding] == 0


@every_dtype
def test_the_other_subgradient_on_a_blank_sample_agrees_with_the_finding_of_a_kink(dtype: str) -> None:
    setup = make_setup("backend=[relu_active_at_zero,torch]", RELU, f"dtype={dtype}", "data.samples=3")
    biases = {name: np.zeros_like(v) for name, v in setup.initial.parameters.items() if name.endswith("bias")}
    outcome, _ = kept(dataclasses.replace(with_parameters(setup, biases), x=np.zeros_like(setup.x)))
    assert outcome.verdict.agree, first_of(outcome)
    assert any("kink" in finding for finding in outcome.verdict.findings)


@every_dtype
@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("seed", range(1, 7))
def test_saturated_sigmoids_agree(dtype: str, batch: int, seed: int) -> None:
    setup = make_setup(BOTH, f"dtype={dtype}", f"batch_size={batch}", f"seed={seed}", "data.samples=16", "lr=0")
    assert_agrees(scaled(setup, 100), f"seed {seed}")


@every_dtype
@pytest.mark.parametrize("depth", [22, 40])
def test_gradients_too_small_to_matter_agree(dtype: str, depth: int) -> None:
    hidden = ",".join(["3"] * depth)
    setup = make_setup(BOTH, f"dtype={dtype}", f"architecture.hidden=[{hidden}]", "data.samples=4")
    outcome, recorder = kept(setup)
    assert np.abs(recorder.records[0].steps["torch"].gradients["input_layer.weight"]).max() < 1e-17
    assert outcome.verdict.agree, first_of(outcome)


@every_dtype
@pytest.mark.parametrize("depth", [22, 40])
def test_a_wrong_gradient_too_small_to_matter_is_a_mismatch_all_the_same(dtype: str, depth: int) -> None:
    hidden = ",".join(["3"] * depth)
    backends = "backend=[one_sign_at_the_bottom,torch]"
    setup = make_setup(backends, f"dtype={dtype}", f"architecture.hidden=[{hidden}]", "data.samples=2")
    outcome, _ = kept(setup)
    assert outcome.verdict.verdict == "mismatch"
    assert first_of(outcome).tensor == "input_layer.bias"
    assert abs(first_of(outcome).value) < 1e-17


@every_dtype
@pytest.mark.parametrize("scale", [0.03, 0.3, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("batch", "width"), [(1, 1), (1, 10), (256, 1), (256, 10)])
def test_batches_widths_and_scales_agree(dtype: str, scale: float, activation: str, batch: int, width: int) -> None:
    shape = [f"architecture.hidden=[{width},{width}]", f"architecture.activation={activation}"]
    sizes = [f"batch_size={batch}", f"data.samples={max(batch, 4)}", f"dtype={dtype}"]
    assert_agrees(scaled(make_setup(BOTH, *shape, *sizes, "lr=0"), scale), scale)
