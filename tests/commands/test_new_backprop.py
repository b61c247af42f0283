"""`python -m runner new-backprop FILE`: a file that runs as it is and fits the configuration."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.assemble import Setup, assemble
from runner.catalog import Catalog
from runner.commands import run_command
from runner.compose import compose_config
from runner.experiment import run_experiment
from runner.outcome import Silent
from tests.cli.process import run

NAMES = "backend.function.names={W1: input_layer.weight, lambda: input_layer.bias, x: hidden_layer_1.weight}"
CONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "default": (),
    "batches": ("loss=mse", "batch_size=3", "architecture.activation=tanh", "architecture.hidden=[4]"),
    "linear": ("architecture.hidden=[]", "dtype=float64"),
    "in_out": ("backend.function.layout=in_out", NAMES, "architecture.hidden=[5]", "architecture.activation=relu"),
    "listed": (
        "architecture=sequential",
        "architecture.layers=[{layer: tanh}, {layer: linear, out: 3, bias: false, name: class}, {layer: relu},"
        " {layer: linear, out: 1}, {layer: sigmoid}]",
    ),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_starter_runs_by_the_printed_command_and_is_wrong(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    overrides = ["data.samples=3", *CONFIGURATIONS[name]]
    assert run_command(["new-backprop", "my.py", *overrides]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("written: my.py. Fill it in, and check it with\n\n    python -m runner ")
    line = printed.splitlines()[-1].strip()
    assert line in Path("my.py").read_text(encoding="utf-8")
    verdict = run_experiment(described(line), Silent()).verdict
    assert verdict.verdict == "mismatch"
    assert verdict.first is not None
    assert not verdict.first.form, verdict.first.finding


def described(line: str) -> Setup:
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "runner"]
    return assemble(compose_config(words[3:]), Catalog())


def test_the_starter_lists_every_parameter_with_the_shape_that_the_function_sees(place: Path) -> None:
    assert run_command(["new-backprop", "my.py", *CONFIGURATIONS["in_out"]]) == 0
    text = (place / "my.py").read_text(encoding="utf-8")
    shapes = {"W1": (2, 5), "lambda": (5,), "x": (5, 1), "hidden_layer_1.bias": (1,)}
    for name, shape in shapes.items():
        assert f'parameters["{name}"]  # {shape}\n' in text
        assert any(line.split(maxsplit=1) == [name, str(shape)] for line in text.splitlines())
    assert "Sum of squared errors: L = sum (p - y)^2" in text
    function: Any = runpy.run_path(str(place / "my.py"))["backprop"]
    parameters = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    loss, prediction, gradients = function(parameters, np.ones((7, 2), np.float32), np.ones((7, 1), np.float32))
    assert (loss.shape, prediction.shape) == ((), (7, 1))
    assert {name: value.shape for name, value in gradients.items()} == shapes
    assert {value.dtype for value in (loss, prediction, *gradients.values())} == {np.dtype(np.float32)}


def test_the_layers_stand_in_both_orders_with_their_formulas(place: Path) -> None:
    assert run_command(["new-backprop", "my.py"]) == 0
    comments = [line.strip() for line in (place / "my.py").read_text().splitlines() if line.strip().startswith("# ")]
    names = [line[2:].partition(":")[0] for line in comments if "_" in line.partition(":")[0] and ":" in line]
    order = ["input_layer", "sigmoid_1", "hidden_layer_1", "sigmoid_3", "hidden_layer_2"]
    assert names == [*order, *reversed(order)]
    assert "#     Sigmoid: a = 1 / (1 + exp(-z)) (torch.nn.Sigmoid)." in comments
    assert "# input_layer: the gradient of input_layer.weight, input_layer.bias" in comments


BAD = [
    ([], "new-backprop", "python -m runner new-backprop FILE.py"),
    (["my.txt"], "FILE", "a new *.py"),
    (["nowhere/my.py"], "FILE", "a folder that is there"),
    (["there.py"], "FILE", "none is overwritten"),
    (["my.py", "lr=fast"], "lr", "a number"),
    (["my.py", "architecture.out=2"], "architecture", "the target's"),
    (["my.py", "backend.function.path=my.py:f"], "backend.function.path", "the command itself says"),
]


@pytest.mark.parametrize(
    ("words", "key", "told"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_input_is_one_line_and_no_file_is_touched(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], key: str, told: str
) -> None:
    (place / "there.py").write_text("mine", encoding="utf-8")
    assert run_command(["new-backprop", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: {key}: got ")
    assert told in err
    assert [(path.name, path.read_text()) for path in place.iterdir()] == [("there.py", "mine")]


def test_the_command_line_knows_the_command(place: Path) -> None:
    finished = run(place, "new-backprop", "an odd 'name'.py")
    assert (finished.code, finished.err) == (0, "")
    assert (place / "an odd 'name'.py").is_file()
    again = run(place, "new-backprop", "an odd 'name'.py")
    assert (again.code, again.out, again.err.count("\n")) == (2, "", 1)
