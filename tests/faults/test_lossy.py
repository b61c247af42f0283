"""A right formula in lossy arithmetic is imprecise, not a mismatch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from runner.assemble import Setup
from tests.helpers import first_of, kept, make_setup, run, with_parameters

LOSSY: list[tuple[str, str]] = [
    ("sigmoid_in_single", "sigmoid"),
    ("gradients_in_single", "sigmoid"),
    ("sigmoid_of_coarse_argument", "sigmoid"),
    ("sigmoid_with_half_precision_exp", "sigmoid"),
    ("tanh_from_sigmoid", "tanh"),
]
"""A lossy backend and the activation that it is about."""

SEEDS = [1, 2, 3, 4]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("backend", "tensors"),
    [
        ("sigmoid_in_single", ["prediction"]),
        (
            "sigmoid_of_coarse_argument",
            ["prediction", "hidden_layer_2.weight"],
        ),  # one prediction can be right by chance
        ("gradients_in_single", ["hidden_layer_2.weight"]),
    ],
)
def test_digits_lost_in_float64_are_imprecise(backend: str, tensors: list[str], dtype: str, seed: int) -> None:
    outcome = run(f"backend=[{backend},torch]", "data.samples=3", f"dtype={dtype}", f"seed={seed}")
    assert outcome.verdict.verdict == "imprecise", first_of(outcome)
    assert first_of(outcome).step == 0
    assert first_of(outcome).tensor in tensors


def small_tanh(dtype: str, seed: int, backends: str) -> Setup:
    """A tanh network without biases on small inputs: z is of the order of 1e-3 or less."""
    shape = ["architecture.activation=tanh", "data.high=0.001", "data.samples=5", "lr=0"]
    setup = make_setup(f"backend=[{backends}]", f"dtype={dtype}", f"seed={seed}", *shape)
    biases = {name: np.zeros_like(v) for name, v in setup.initial.parameters.items() if name.endswith("bias")}
    return dataclasses.replace(with_parameters(setup, biases))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_tanh_by_way_of_the_sigmoid_is_imprecise_where_it_cancels(dtype: str, seed: int) -> None:
    outcome, _ = kept(small_tanh(dtype, seed, "tanh_from_sigmoid,torch"))
    assert outcome.verdict.verdict == "imprecise", first_of(outcome)
    outcome, _ = kept(small_tanh(dtype, seed, "scratch,torch"))
    assert outcome.verdict.agree, first_of(outcome)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_an_exponential_of_eleven_bits_is_never_acquitted(dtype: str, seed: int) -> None:
    """Its steps are wider than the points of the third look lie apart, so that it may look like another formula."""
    half = "backend=[sigmoid_with_half_precision_exp,torch]"
    outcome = run(half, "data.samples=3", f"dtype={dtype}", f"seed={seed}")
    assert outcome.verdict.verdict in ("imprecise", "mismatch")
    assert (first_of(outcome).step, first_of(outcome).tensor) == (0, "prediction")


def test_a_mistake_outweighs_the_loss_of_digits() -> None:
    outcome = run("backend=[sigmoid_in_single,missing_factor,torch]", "data.samples=3")
    assert outcome.verdict.verdict == "mismatch"
    assert first_of(outcome).backend == "missing_factor"
