"""A user's own torch.nn.Module as a backend."""

from __future__ import annotations

import pytest

from runner.arrays import DTYPES
from runner.errors import ConfigError
from tests.helpers import first_of, make_setup, run

BOTH = "backend=[scratch,torch_module]"


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
        ("Frozen", "input_layer.weight", "has no gradient for input_layer.weight"),
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
        ("{0.weight: hidden_layer_1.weight}", ""),
    ],
)
def test_names_that_do_not_fit_are_refused(names: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_setup(BOTH, path("make_model", "right"), f"backend.torch_module.names={names}")
    assert raised.value.key == "backend.torch_module" + (f".{key}" if key else "")
