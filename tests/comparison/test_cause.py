"""Why a gradient is wrong: named mistakes are named, all others are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import chain

import numpy as np
import pytest

from runner.arrays import Array
from runner.assemble import Setup
from runner.comparison.cause import causes
from runner.comparison.constants import LIMIT
from runner.comparison.explanation import Explanation
from runner.comparison.mistakes.__main__ import table
from runner.comparison.mistakes.base import Alteration
from runner.comparison.pattern import pattern
from tests.backends.test_function import FUNCTION, IN_OUT, path
from tests.faults.library import FAULTS
from tests.faults.mistaken import alterations, changed_tensors, explained
from tests.faults.mutants import Seen, mutant
from tests.helpers import first_of, make_setup, run

SQUARE = "architecture.hidden=[4,4,4]"
BATCH = ["batch_size=3", "data.samples=3", "dtype=float64", "data.features=4", "data.low=-1"]
PAIRS = [
    "data=inline", "data.x=[[0.3,-0.2],[0.5,0.9],[-0.4,0.7]]", "data.y=[[0.1,0.4],[-0.3,0.2],[0.6,-0.5]]",
    "target=given", "architecture.out=2", "architecture.hidden=[4]", "batch_size=3", "dtype=float64",
]  # fmt: skip
SETUPS = [
    ["backend=[torch]", "architecture.activation=tanh", SQUARE, *BATCH],
    ["backend=[torch]", SQUARE, *BATCH],
    ["backend=[torch]", "loss=mse", SQUARE, *BATCH],
    ["backend=[torch]", "architecture.activation=relu", SQUARE, *BATCH],
    ["backend=[torch]", *PAIRS],
    ["backend=[torch]", "loss=mse", *PAIRS],
    ["backend=[torch]", "loss=huber", SQUARE, *BATCH],
]
NAMES = [line.split("`")[1] for line in table() if line.startswith("| `")]
OF_TWO_STEPS = {fault.cause for fault in FAULTS if fault.step == 1}
"""Need the step before: the faults of that name are tried in tests/faults."""


@cache
def setup_of(number: int) -> Setup:
    return make_setup(*SETUPS[number])


def made_in(setup: Setup, name: str) -> list[Alteration]:
    return [made for made in alterations(setup) if made.name == name]


def first_made(name: str) -> tuple[Setup, Alteration]:
    """The mistake of that name in the first of the networks in which it is one."""
    for number in range(len(SETUPS)):
        for made in made_in(setup_of(number), name):
            if changed_tensors(setup_of(number), made):
                return setup_of(number), made
    raise AssertionError(f"{name} cannot be made")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_TWO_STEPS])
def test_every_named_mistake_is_named_with_the_tensors_that_it_changes(name: str) -> None:
    setup, made = first_made(name)
    explanation = explained(setup, made)
    tensors = changed_tensors(setup, made)
    assert {cause.name: cause.tensors for cause in explanation.causes}.get(name) == tensors, explanation
    assert (explanation.unexplained, explanation.pattern) == ((), "")
    cause = next(cause for cause in explanation.causes if cause.name == name)
    assert cause.roundings <= LIMIT
    assert cause.sentence
    assert cause.formula


def test_the_mistakes_of_two_steps_are_among_the_faults() -> None:
    assert {"weight_stale", "gradients_of_last_step", "gradients_accumulated"} <= OF_TWO_STEPS
    assert {*NAMES, "unknown", ""} >= OF_TWO_STEPS  # of what begins after the gradients no cause is looked for


SEVERAL = [
    ("mean_of_gradients", "weight_gradient_transposed"),
    ("target_forgotten", "bias_mean"),
    ("last_sample_dropped", "slope_at_activation"),
    ("missing_factor_2", "tensor_forgotten"),
    ("slope_twice", "weight_missing"),
    ("missing_factor_2", "bias_mean", "weight_transposed"),
    ("targets_shifted", "bias_mean", "weight_sign"),
]


@pytest.mark.parametrize("names", SEVERAL, ids=" and ".join)
def test_two_and_three_mistakes_at_once_are_told_apart(names: tuple[str, ...]) -> None:
    assert_told_apart(names)


@pytest.mark.parametrize("names", [("slope_missing", "weight_gradient_transposed"), ("weight_sign", "tensor_doubled")])
def test_two_mistakes_in_one_tensor_are_told_apart(names: tuple[str, ...]) -> None:
    assert_told_apart(names)


def assert_told_apart(names: tuple[str, ...]) -> None:
    """Each mistake is made at the first place where it can be."""
    setup = setup_of(0)
    explanation = explained(setup, *(made_in(setup, name)[0] for name in names))
    assert set(names) in [set(cause.name.split(" + ")) for cause in explanation.causes], explanation
    assert explanation.unexplained == ()


@cache
def seen_of(number: int) -> Seen:
    return Seen(setup_of(number))


@pytest.mark.parametrize("number", range(4))
def test_two_hundred_mistakes_that_are_on_no_list_are_given_no_name(number: int) -> None:
    for k in range(50):
        seed = 1000 * number + k
        observed = seen_of(number).observed(mutant(seen_of(number), np.random.default_rng(seed)))
        assert Explanation("mutant", tuple(causes(observed))).cause == "unknown", f"seed {seed}"


W = "hidden_layer_1.weight"
PATTERNS: list[tuple[str, Callable[[Array], Array]]] = [
    ("every element is 1.7 times the right one", lambda g: 1.7 * g),
    ("every element is 0", lambda g: 0 * g),
    ("transposed", lambda g: g.T),
    ("wrong in sign in", lambda g: g * np.where(np.arange(4) == 2, -1, 1)),
    ("only the rows 1, 3 are wrong", lambda g: g * np.where(np.arange(4) % 2, 1.3, 1)[:, None]),
    ("only the columns 0 are wrong", lambda g: g * np.where(np.arange(4) == 0, 1.3, 1)),
    ("the right numbers in another order", lambda g: g[[1, 2, 3, 0]]),
    ("only the element [2, 1] is wrong", lambda g: g + 1e-6 * np.outer(np.arange(4) == 2, np.arange(4) == 1)),
]


@pytest.mark.parametrize(("words", "change"), PATTERNS, ids=[p[0] for p in PATTERNS])
def test_what_a_wrong_tensor_looks_like_is_told(words: str, change: Callable[[Array], Array]) -> None:
    observed = seen_of(0).observed(seen_of(0).changed(W, change))
    told = pattern(observed, observed.suspects)
    assert W in told
    assert words in told


def test_a_constant_ratio_of_all_gradients_is_told() -> None:
    seen, gradients = seen_of(0).right.copy(), seen_of(0).point.layout.gradients
    seen[gradients] *= 0.7
    observed = seen_of(0).observed(seen)
    assert "all gradients are 0.7 times the right ones" in pattern(observed, observed.suspects)


@pytest.mark.parametrize(("weight", "words"), [(0, "sample 1 of the batch is left out"), (2, "counts twice")])
def test_a_sample_that_is_left_out_or_counts_twice_is_told(weight: float, words: str) -> None:
    weights = np.array([1.0, weight, 1.0])[:, None]
    seen = seen_of(1).made(Alteration("", "", "", loss=lambda passage, loss, delta: (loss, delta * weights)))
    observed = seen_of(1).observed(seen)
    assert words in pattern(observed, observed.suspects)


@pytest.mark.parametrize("backends", ["torch,missing_factor", "scratch,missing_factor"])
def test_a_wrong_reference_is_what_is_explained(backends: str) -> None:
    explanations = run(f"backend=[{backends}]", "data.samples=1").verdict.explanations
    (explanation,) = explanations.values()
    assert list(explanations) == [backends.split(",")[0]]
    assert (explanation.subject, explanation.cause) == ("missing_factor", "missing_factor_2")


WHERE = [
    ("bias_missing", "forward, the output of input_layer is the first that is wrong"),
    ("activation_twice", "forward"),
    ("missing_factor", "the gradient of the loss by the prediction is wrong already"),
    ("missing_slope", "on the way back the gradient goes wrong in sigmoid_3"),
    ("transposed_weight", "on the way back the gradient goes wrong in hidden_layer_1"),
    ("bias_sign_flipped", "a parameter's own gradient is wrong"),
]


@pytest.mark.parametrize(("fault", "words"), WHERE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_it_goes_wrong_is_told_layer_by_layer(fault: str, words: str, dtype: str) -> None:
    explanation = run(f"backend=[{fault},torch]", "data.samples=1", f"dtype={dtype}").verdict.explanations[fault]
    assert words in explanation.where
    assert explanation.layers[0].layer == "input_layer"


ALL_SQUARE = [
    "data=inline", "data.x=[[0.3,-0.2,0.4],[0.5,0.9,-0.6]]", "data.y=[[0.1,0.4,0.2],[-0.3,0.2,0.7]]", "target=given",
    "architecture.hidden=[3,3]", "architecture.out=3",
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "form"), [(["data.samples=3"], True), (ALL_SQUARE, False)])
def test_weights_in_the_other_layout_are_told_as_a_question_of_layout(overrides: list[str], form: bool) -> None:
    outcome = run(FUNCTION, path("in_out"), IN_OUT[0], *overrides)
    assert first_of(outcome).form == form
    explanation = outcome.verdict.explanations["function"]
    assert explanation.cause == "weight_layout"
    assert explanation.unexplained == ()
    assert list(chain(*(cause.tensors for cause in explanation.causes))) == ([] if form else _order(overrides))
    assert run(FUNCTION, path("in_out"), *IN_OUT, *overrides).verdict.agree


def _order(overrides: list[str]) -> list[str]:
    setup = make_setup("backend=[torch]", *overrides)
    return ["prediction", "loss", *setup.problem.network.backward_order]
