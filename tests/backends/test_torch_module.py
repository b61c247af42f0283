"""A user's own torch.nn.Module as a backend."""

from __future__ import annotations

import pytest

from runner.arrays import DTYPES
from runner.errors import ConfigError
from tests.helpers import first_of, make_setup, run

BOTH = "backend=[scratch,torch_module]"


OUTSIDE = "nothing in autograd's graph leads to it (it is not used, or it is detached)"
FROZEN = "it is frozen (requires_grad=False)"


def path(name: str, module: str = "wrong") -> str:
    return f"backend.torch_module.path=tests.own.{module}:{name}"


@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("order", ["scratch,torch_module", "torch_module,scratch", "torch_module,torch"])
def test_a_module_with_other_names_is_matched_in_order_by_shape(order: str, dtype: str) -> None:
    outcome = run(
        f"backend=[{order}]", path("make_model", "right"), f"dtype={dtype}", "data.samples=10", "batch_size=3"
    )
    assert outcome.verdict.agree, first_of(outcome)


def test_names_may_be_given() -> None:
    names = (
        "{0.weight: input_layer.weight, 0.bias: input_layer.bias, 2.weight: hidden_layer_1.weight,"
        " 2.bias: hidden_layer_1.bias, 4.weight: hidden_layer_2.weight, 4.bias: hidden_layer_2.bias}"
    )
    assert run(BOTH, path("make_model", "right"), f"backend.torch_module.names={names}", "data.samples=3").verdict.agree


def test_a_module_that_switches_a_part_of_itself_is_in_training_mode_at_each_call() -> None:
    layers = "[{layer: linear, out: 4}, {layer: batch_norm1d}, {layer: linear, out: 1}]"
    net = ("architecture=sequential", f"architecture.layers={layers}", "data.samples=12", "batch_size=4")
    outcome = run("backend=[torch_module,torch]", path("Watching", "right"), *net)
    assert outcome.verdict.agree, first_of(outcome)


def test_another_forward_is_a_mismatch_and_each_gradient_fits_its_own_loss() -> None:
    outcome = run(BOTH, path("Doubled"), "data.samples=3")
    first = first_of(outcome)
    assert (outcome.verdict.verdict, first.tensor, first.step) == ("mismatch", "prediction", 0)
    explanation = outcome.verdict.explanations["scratch"]
    assert explanation.subject == "torch_module"
    assert explanation.opinion is not None
    assert "two compute different losses" in explanation.opinion.words


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("Frozen", "input_layer.weight", f"has no gradient for input_layer.weight: {OUTSIDE}"),
        ("Detached", "input_layer.weight", f"has no gradient for input_layer.weight: {OUTSIDE}"),
        ("Cut", "input_layer.weight", f"has no gradient for input_layer.weight: {OUTSIDE}"),
        ("make_frozen", "hidden_layer_1.bias", f"has no gradient for hidden_layer_1.bias: {FROZEN}"),
        ("make_wholly_frozen", "input_layer.weight", f"has no gradient for input_layer.weight: {FROZEN}"),
        ("Pair", "prediction", "torch_module returned a tuple, not a tensor"),
        ("Flat", "prediction", "a prediction of shape (20,), not (20, 1)"),
        ("make_dropout", "loss", "other bits"),
    ],
)
def test_what_is_wrong_in_form_is_a_finding(name: str, tensor: str, words: str) -> None:
    outcome = run(BOTH, path(name), "data.samples=20", "batch_size=20")
    first = first_of(outcome)
    assert (outcome.verdict.verdict, first.form, first.backend) == ("mismatch", True, "torch_module")
    assert words in first.finding
    assert first.tensor == tensor


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("make_narrow", "2.weight (9, 9)"),
        ("make_nothing", "made a NoneType"),
        ("make_error", "RuntimeError: no model today (wrong.py, line"),
        ("no_such_function", "a function of tests.own.wrong"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_setup(BOTH, path(name))
    assert raised.value.key.startswith("backend.torch_module")
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("names", "key"),
    [
        ("{9.weight: input_layer.weight}", "names"),
        ("{0.weight: nothing}", "names.0.weight"),
        ("{0.weight: hidden_layer_1.weight}", "names"),
    ],
)
def test_names_that_do_not_fit_are_refused(names: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_setup(BOTH, path("make_model", "right"), f"backend.torch_module.names={names}")
    assert raised.value.key == f"backend.torch_module.{key}"


def test_where_all_shapes_fit_and_names_do_not_the_key_for_names_is_told() -> None:
    with pytest.raises(ConfigError) as raised:
        make_setup(BOTH, path("Reversed"))
    assert str(raised.value).startswith("backend.torch_module.names: got null, for a module with last.weight (1, 10)")
    assert "the module's own name: ours, for each of the parameters input_layer.weight (10, 2)" in str(raised.value)
    ours = {"first": "input_layer", "middle": "hidden_layer_1", "last": "hidden_layer_2"}
    names = ", ".join(f"{t}.{p}: {o}.{p}" for t, o in ours.items() for p in ("weight", "bias"))
    assert run(BOTH, path("Reversed"), f"backend.torch_module.names={{{names}}}", "data.samples=3").verdict.agree
