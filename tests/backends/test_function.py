"""A user's own function as a backend: what it may be, and what is found about its form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.arrays import DTYPES
from runner.backends.function import Function
from runner.errors import ConfigError
from runner.user_code import load_function, told
from tests.helpers import first_of, make_setup, run
from tests.own.right import NAMES

FUNCTION = "backend=[function,torch]"
IN_OUT = [f"backend.function.names={NAMES}", "backend.function.layout=in_out"]


def path(name: str, module: str = "right") -> str:
    return f"backend.function.path=tests.own.{module}:{name}"


@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("backprop", []),
        ("in_out", IN_OUT),
        ("double", []),
        ("tensors", []),
        ("single", ["backend.function.dtype=float32"]),
    ],
)
def test_right_functions_agree_in_every_form(name: str, keys: list[str], batch: int, dtype: str) -> None:
    outcome = run(FUNCTION, path(name), *keys, f"dtype={dtype}", f"batch_size={batch}", "data.samples=10")
    assert outcome.verdict.agree, first_of(outcome)
    assert (outcome.verdict.blind_below > 0) == (name == "single")


FORM = [
    ("missing", "input_layer.bias", "returned no gradient for input_layer.bias (it returned hidden_layer_2.weight"),
    ("column", "input_layer.bias", "the gradient of input_layer.bias of shape (10, 1), not (10,)"),
    ("changes_x", "", "changed its arguments in place: x"),
    ("updates", "", "changed its arguments in place: input_layer.weight"),
    ("other_bits", "input_layer.bias", "other bits when it was called again with the same input, in input_layer.bias"),
    ("raises", "", "raised KeyError: 'no such layer' (wrong.py, line"),
    ("leaves", "", "raised SystemExit: 3 (wrong.py, line"),
    ("nothing", "", "returned None, not (loss, prediction, gradients)"),
    ("a_loss_each", "loss", "a loss of shape (1, 2), not one number"),
    ("wide_prediction", "prediction", "a prediction of shape (1, 2), not (1, 1)"),
    ("words", "input_layer.bias", "the gradient of input_layer.bias that is a str, not numbers"),
    ("ragged", "input_layer.weight", "the gradient of input_layer.weight that is a list of 2, not numbers"),
    ("a_list", "", "returned a list of 6 as gradients, not a dict of arrays by name"),
]


@pytest.mark.parametrize(("name", "tensor", "words"), FORM, ids=[f[0] for f in FORM])
def test_what_is_wrong_in_form_is_a_finding_in_words(name: str, tensor: str, words: str) -> None:
    outcome = run(FUNCTION, path(name, "wrong"), "data.samples=4")
    first = first_of(outcome)
    assert outcome.verdict.verdict == "mismatch"
    assert (first.form, first.step, first.backend, first.tensor) == (True, 0, "function", tensor)
    assert words in first.finding
    assert outcome.losses == {}


@pytest.mark.parametrize("order", ["function,torch", "torch,function"])
def test_float32_in_answer_to_float64_is_found_on_either_side(order: str) -> None:
    outcome = run(f"backend=[{order}]", path("single", "wrong"), "data.samples=3")
    first = first_of(outcome)
    assert (first.form, first.backend) == (True, "function")
    assert "in float32 for arguments in float64" in first.finding
    assert "backend.function.dtype=float32" in first.finding


def test_what_is_not_finite_has_diverged() -> None:
    outcome = run(FUNCTION, path("not_a_number", "wrong"), "data.samples=3")
    first = first_of(outcome)
    assert (outcome.verdict.verdict, first.tensor, first.index) == ("diverged", "input_layer.bias", (2,))
    assert first.finding == "only function is not finite"


def test_the_other_layout_is_told_as_a_question_of_layout() -> None:
    outcome = run(FUNCTION, path("in_out"), IN_OUT[0], "data.samples=3")
    assert first_of(outcome).form
    explanation = outcome.verdict.explanations["function"]
    assert explanation.cause == "weight_layout"
    assert "question of layout" in explanation.causes[0].sentence
    assert explanation.causes[0].formula == "backend.function.layout=in_out"


def test_an_alias_stands_before_the_reference_and_two_functions_are_compared() -> None:
    mine = "+backend.mine={use: function, path: tests.own.right:backprop}"
    yours = "+backend.yours={use: function, path: tests.own.right:double}"
    assert list(make_setup("backend=[torch]", mine).backends) == ["mine", "torch"]
    assert list(make_setup("backend=[]", mine, yours).backends) == ["mine", "yours"]
    assert run("backend=[]", mine, yours, "data.samples=3").verdict.agree


REFUSED: list[tuple[list[str], str, str]] = [
    ([], "backend.function.path", "no default"),
    (["backend.function.path=tests.own.right"], "backend.function.path", "FILE.py:FUNCTION"),
    ([path("bakprop")], "backend.function.path", "did you mean backprop?"),
    (["backend.function.path=nowhere.py:f"], "backend.function.path", "No such file"),
    (["backend.function.path=no.such.module:f"], "backend.function.path", "ModuleNotFoundError"),
    ([path("backprop"), "backend.function.layout=out_in"], "backend.function.layout", "torch, in_out"),
    ([path("backprop"), "backend.function.dtype=float8"], "backend.function.dtype", "float32"),
    ([path("backprop"), "backend.function.dtype=float16"], "backend.function.dtype", "float32 or float64"),
    ([path("backprop"), "backend.function.names={W: nothing}"], "backend.function.names.W", "a parameter: input_"),
    (
        [path("backprop"), "backend.function.names={a: input_layer.bias, b: input_layer.bias}"],
        "backend.function.names",
        "each parameter under one name",
    ),
    ([path("backprop"), "+backend.mine={use: functoin}"], "backend.mine", "did you mean function?"),
    ([path("backprop"), "+backend.mine={use: function}"], "backend.mine.path", "no default"),
    ([path("backprop"), "+backend.mine={use: torch, lr: 3}"], "backend.mine.lr", "not known"),
]


@pytest.mark.parametrize(("overrides", "key", "words"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_does_not_fit_is_refused_by_its_key(overrides: list[str], key: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_setup(FUNCTION, *overrides)
    assert raised.value.key == key
    assert words in str(raised.value)


def test_two_files_of_one_name_share_nothing_and_a_changed_file_is_read_again(tmp_path: Path) -> None:
    files = []
    for k in (1, 2):
        (tmp_path / str(k)).mkdir()
        files.append(tmp_path / str(k) / "own.py")
        files[-1].write_text(f"value = {k}\ndef f(): return value\n")
    assert [load_function("path", f"{file}:f")() for file in files] == [1, 2]
    files[0].write_text("value = 30\ndef f(): return value\n")
    assert load_function("path", f"{files[0]}:f")() == 30


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:\n", "SyntaxError: invalid syntax (own.py, line 1: def f(:)"),
        ("import sys\nsys.exit(2)\n", "SystemExit: 2 (own.py, line 2: sys.exit(2))"),
        ("def g():\n    return {}['a']\nb = g()\n", "KeyError: 'a' (own.py, line 2: return {}['a'])"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_with_its_own_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(ConfigError) as raised:
        Function(path=f"{tmp_path}/own.py:f", layout="torch", names=None, dtype=None).check()
    assert words in str(raised.value)


def test_an_error_inside_a_library_is_told_with_the_users_line(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import numpy as np\ndef f():\n    return np.concatenate([np.ones(2), np.ones((2, 2))])\n"
    )
    function: Any = load_function("path", f"{tmp_path}/own.py:f")
    with pytest.raises(ValueError, match="dimensions") as raised:
        function()
    assert "(own.py, line 3: return np.concatenate" in told(raised.value)


def test_the_function_gets_copies_in_the_layout_and_under_the_names_that_it_asks_for() -> None:
    seen: dict[str, Any] = {}

    def keep(parameters: dict[str, Any], x: Any, y: Any) -> Any:
        seen.update(parameters, x=x, y=y)
        raise RuntimeError("enough")

    from runner.backends.base import FormError
    from runner.backends.function import GivenFunction

    setup = make_setup("data.samples=2", "batch_size=2")
    choice = GivenFunction(given=keep, layout="in_out", names={"W": "input_layer.weight"}, dtype=None)
    backend = choice.make("mine", setup.problem, setup.dtype)
    backend.load(setup.initial)
    with pytest.raises(FormError, match="enough"):
        backend.step(setup.x, setup.y, draws={})
    np.testing.assert_array_equal(seen["W"], setup.initial.parameters["input_layer.weight"].T)
    assert seen["W"].flags.c_contiguous
    assert seen["x"].flags.writeable
    assert seen["hidden_layer_1.weight"].dtype == np.float32
    assert not np.shares_memory(seen["x"], setup.x)
