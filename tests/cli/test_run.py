"""`python -m runner lr=0.05 seed=1`: what it prints."""

from __future__ import annotations

import re

import pytest
import torch

from .conftest import SharedRuns
from .process import Finished
from .stores import TENSORS, client, deviations, history, only_run, read_json


@pytest.fixture
def plain(shared: SharedRuns) -> Finished:
    return shared.get("plain", "lr=0.05", "seed=1")


def test_it_ends_with_0_and_says_nothing_on_stderr(plain: Finished) -> None:
    assert (plain.code, plain.err) == (0, "")


def test_the_network_is_printed_as_torch_prints_it(plain: Finished) -> None:
    from collections import OrderedDict

    twin = torch.nn.Sequential(
        OrderedDict(
            input_layer=torch.nn.Linear(2, 10),
            sigmoid_1=torch.nn.Sigmoid(),
            hidden_layer_1=torch.nn.Linear(10, 10),
            sigmoid_3=torch.nn.Sigmoid(),
            hidden_layer_2=torch.nn.Linear(10, 1),
        )
    )
    assert plain.out.startswith(f"{twin}\n")


def test_what_is_done_is_told_in_one_line(plain: Finished) -> None:
    assert "scratch, torch: 100 steps, batch 1, lr 0.05, float32" in plain.out.splitlines()


def test_the_first_and_last_loss_of_each_backend_are_those_of_the_record(plain: Finished) -> None:
    reader = client(plain.folder)
    for backend in ("scratch", "torch"):
        values = history(reader, only_run(reader), f"loss/{backend}")
        expected = [backend, f"{values[0]:.8g}", f"{values[99]:.8g}"]
        assert expected in [line.split() for line in plain.out.splitlines()]


def test_each_tensor_has_a_row_with_its_largest_deviation_over_all_steps(plain: Finished) -> None:
    lines = [line.split() for line in plain.out.splitlines()]
    head = next(i for i, words in enumerate(lines) if words[:1] == ["tensor"])
    rows = lines[head + 1 : head + 1 + len(TENSORS)]
    table = deviations(plain.run_folder).groupby("tensor")
    for name, row in zip(TENSORS, rows, strict=True):
        largest = table.get_group(name).max(numeric_only=True)
        figures = [f"{largest['max_abs']:.2e}", f"{largest['roundings']:.1f}", f"{largest['logic_roundings']:.1f}"]
        assert row == [name, *figures, "ok"]
    assert lines[head + 1 + len(TENSORS)] == []


def test_the_verdict_is_one_sentence_and_the_same_in_the_record(plain: Finished) -> None:
    (line,) = [line for line in plain.out.splitlines() if line.startswith("agree")]
    assert line.startswith("agree: the gradients of scratch and torch differ by rounding alone, over 100 judged steps")
    assert read_json(plain.run_folder / "verdict.json")["sentence"] == line


def test_folder_run_id_and_the_command_of_the_ui_are_printed(plain: Finished) -> None:
    labels = dict(re.findall(r"^(run folder|MLflow run|to look) +(.*)$", plain.out, re.MULTILINE))
    assert plain.folder / labels["run folder"] == plain.run_folder
    assert labels["MLflow run"] == f"{only_run(client(plain.folder)).info.run_id} in experiment runner"
    assert labels["to look"] == "mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db"


def test_nothing_but_plain_text_goes_into_a_pipe(plain: Finished) -> None:
    assert all(character.isprintable() or character == "\n" for character in plain.out)


def test_nothing_is_written_outside_outputs(plain: Finished) -> None:
    assert [path.name for path in plain.folder.iterdir()] == ["outputs"]
    assert {path.name for path in (plain.folder / "outputs").iterdir()} <= {
        "mlflow.db",
        "mlflow.db.lock",
        "mlartifacts",
        "runs",
    }
