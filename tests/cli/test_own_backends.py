"""A user's own backpropagation and module on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import SharedRuns
from .process import Finished, run
from .stores import client, only_run, read_json

MINE = """
import numpy as np


def backprop(parameters, x, y):
    w1, b1, w2, b2, w3, b3 = parameters.values()
    a1 = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
    p = a2 @ w3.T + b3
    d3 = 2 * (p - y)
    d2 = (d3 @ w3) * SLOPE
    d1 = (d2 @ w2) * a1 * (1 - a1)
    values = [d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0), d3.T @ a2, d3.sum(0)]
    return ((p - y) ** 2).sum(), p, dict(zip(parameters, values))


def make_model():
    import torch

    linear, sigmoid = torch.nn.Linear, torch.nn.Sigmoid
    return torch.nn.Sequential(linear(2, 10), sigmoid(), linear(10, 10), sigmoid(), linear(10, 1))
"""


def furnish(folder: Path, slope: str) -> None:
    (folder / "my.py").write_text(MINE.replace("SLOPE", slope))


FUNCTION = ["backend=[function,torch]", "backend.function.path=my.py:backprop", "data.samples=4"]


@pytest.fixture
def wrong(shared: SharedRuns) -> Finished:
    return shared.get("function", *FUNCTION, prepare=lambda folder: furnish(folder, "1"))


def test_a_right_function_ends_with_0_and_is_kept_with_the_records(place: Path) -> None:
    furnish(place, "a2 * (1 - a2)")
    done = run(place, *FUNCTION)
    assert (done.code, done.err) == (0, "")
    assert "agree: the gradients of function and torch differ by rounding alone" in done.out
    kept = done.run_folder / "files" / "function" / "my.py"
    assert kept.read_text() == (place / "my.py").read_text()
    files = read_json(done.run_folder / "environment.json")["files"]
    assert list(files) == ["my.py"]
    assert len(files["my.py"]) == 64


def test_a_wrong_function_ends_with_1_and_is_explained_on_the_console(wrong: Finished) -> None:
    assert (wrong.code, wrong.err) == (1, "")
    lines = [line.strip() for line in wrong.out.splitlines()]
    assert "cause (slope_missing): the factor f'(z) of sigmoid_3 is left out" in lines
    assert "right: dL/dz = dL/da * f'(z)" in lines
    assert any(line.startswith("third opinion: the loss's own derivative") for line in lines)
    assert any(
        line.endswith("python -m runner 'backend=[function,torch]' backend.function.path=my.py:backprop data.samples=4")
        for line in lines
    )


def test_the_explanation_stands_in_verdict_json_and_its_cause_in_a_tag(wrong: Finished) -> None:
    explanation = read_json(wrong.run_folder / "verdict.json")["explanations"]["function"]
    assert [cause["name"] for cause in explanation["causes"]] == ["slope_missing"]
    assert explanation["opinion"]["right"] == "reference"
    assert explanation["unexplained"] == []
    assert only_run(client(wrong.folder)).data.tags["verdict.cause"] == "slope_missing"


def test_an_error_in_the_users_code_is_a_finding_with_its_own_line(place: Path) -> None:
    furnish(place, "a3")
    done = run(place, *FUNCTION)
    assert (done.code, done.err) == (1, "")
    assert "NameError: name 'a3' is not defined (my.py, line 11: d2 = (d3 @ w3) * a3)" in done.out
    document = read_json(done.run_folder / "verdict.json")
    assert (document["verdict"], document["first"]["form"]) == ("mismatch", True)
    assert only_run(client(place)).info.status == "FINISHED"


def test_two_functions_and_a_module_are_compared_under_aliases(place: Path) -> None:
    furnish(place, "a2 * (1 - a2)")
    mine = "+backend.mine={use: function, path: my.py:backprop}"
    done = run(place, "backend=[torch_module]", "backend.torch_module.path=my.py:make_model", mine, "data.samples=3")
    assert (done.code, done.err) == (0, "")
    assert "agree: the gradients of mine and torch_module differ by rounding alone" in done.out


def test_a_path_that_leads_nowhere_leaves_nothing_behind(place: Path) -> None:
    done = run(place, *FUNCTION)
    assert done.code == 2
    assert done.err.splitlines() == [
        f"runner: backend.function.path: got my.py:backprop (No such file or directory: {place / 'my.py'});"
        " allowed: a file that can be read"
    ]
    assert [file.name for file in place.rglob("*") if file.is_file()] == ["mlflow.db"]
