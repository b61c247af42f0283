"""A run that was broken off and gone on with leaves the bits of one that ran through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from runner.catalog import Catalog
from runner.errors import ConfigError
from runner.paths import CONF
from tests.helpers import make_setup

from .broken import hashes, run

SMALL = ("architecture.hidden=[4]", "data.samples=24", "batch_size=2")
EVERY = "checkpoint.every=5"
CARRYING = (
    "architecture.layers=[{layer: linear, out: 6}, {layer: batch_norm1d}, {layer: relu}, {layer: dropout, p: 0.3},"
    " {layer: linear, out: 1}]"
)
EPOCHS = ("data=iris", "target=given", "loss=cross_entropy", "architecture.out=3", "data.held_out=0.3", "batch_size=20")
OPTIMIZERS = Catalog([CONF]).names("optimizer")
SCHEDULES = [name for name in Catalog([CONF]).names("schedule") if name != "constant"]

OWN = """\
import numpy as np
import torch

def backprop(parameters, x, y):
    w, b = parameters["input_layer.weight"], parameters["input_layer.bias"]
    prediction = x @ w.T + b
    e = prediction - y
    wrong = 1 + (x[0, 0] > LIMIT)
    return (e * e).sum(), prediction, {"input_layer.weight": 2 * wrong * e.T @ x, "input_layer.bias": 2 * e.sum(axis=0)}

def make_model():
    return torch.nn.Sequential(torch.nn.Linear(2, 1))

def make_counting_model():
    return torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1))
"""

CASES = {
    "default": SMALL,
    "all that is carried": (*SMALL, CARRYING, "optimizer=adam", "schedule=step", "schedule.step_size=2",
                            "clip=norm", "epochs=3"),
    "plateau": (*SMALL, "schedule=plateau", "schedule.per=step", "schedule.patience=1", "optimizer.momentum=0.9"),
    "drift": (*SMALL, CARRYING, "optimizer=adam", "lockstep=false"),
    "float16": (*SMALL, CARRYING, "dtype=float16", "lr=0.001", "optimizer.momentum=0.9"),
    "bfloat16": (*SMALL, CARRYING, "dtype=bfloat16", "optimizer=nadam", "lockstep=false"),
    "float64": (*SMALL, CARRYING, "dtype=float64"),
    "now and then": (*SMALL, "record.every=3", "verdict.every=2"),
    "epochs": (*EPOCHS, "epochs=3"),
    "mismatch": ("backend=[transposed_gradient,torch]", "data.samples=24", "batch_size=2"),
    "divergence": (*SMALL, "lr=10", "loss=mse", "architecture.activation=relu", "data.high=9", "data.samples=40"),
    "other order": (*SMALL, CARRYING, "backend=[torch,scratch]", "optimizer=adam"),
    "without gradients": (*SMALL, "record.gradients=false"),
    "without plots": (*SMALL, "record.plots=false"),
}  # fmt: skip


ENDS = {"epochs": (6, 17)}
"""Where else than in other cases a run is broken off: in its last epoch."""


def same(tmp_path: Path, *overrides: str, ends: tuple[int, ...] = (6, 6, 9)) -> Path:
    """Holds a run that was broken off, before its first checkpoint too, against one that ran through.

    The last checkpoint is among the files: so all that the run carries is the same at its end.
    """
    through, broken = tmp_path / "through", tmp_path / "broken"
    ((*_, last),) = run(through, *overrides, EVERY)
    parts = run(broken, *overrides, EVERY, ends=(3, *ends))
    assert [part[0] for part in parts] == [0, 0, *(end // 5 * 5 for end in ends)]
    assert parts[-1][-1] == last
    assert hashes(broken) == hashes(through)
    return through


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_was_broken_off_has_the_bits_of_one_that_ran_through(case: str, tmp_path: Path) -> None:
    folder = same(tmp_path, *CASES[case], ends=ENDS.get(case, (6, 6, 9)))
    verdict = json.loads((folder / "verdict.json").read_text())
    assert {"mismatch": "mismatch", "divergence": "diverged"}.get(case, "agree") == verdict["verdict"]
    if case == "divergence":
        assert verdict["first"]["step"] == 11
        assert len(load_file(folder / "gradients.safetensors")["torch/input_layer.bias"]) == 12


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("lockstep", [True, False], ids=["lockstep", "drift"])
def test_every_optimizer_goes_on(optimizer: str, lockstep: bool, tmp_path: Path) -> None:
    same(tmp_path, *SMALL, f"optimizer={optimizer}", f"lockstep={lockstep}", "lr=0.01", ends=(8,))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_goes_on(schedule: str, tmp_path: Path) -> None:
    words = (f"schedule={schedule}", "schedule.per=step", "optimizer.momentum=0.5", "lockstep=false")
    same(tmp_path, *SMALL, *words, ends=(8,))


def own(tmp_path: Path, limit: float) -> Path:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("LIMIT", str(limit)), encoding="utf-8")
    return file


@pytest.mark.parametrize("step", [0, 8], ids=["before the break", "after it"])
def test_a_function_that_is_wrong_where_an_input_is_large_is_explained_alike(step: int, tmp_path: Path) -> None:
    large = make_setup(*SMALL).x[::2, 0]
    file = own(tmp_path, limit=float(large[step]) - 1e-6 if step else -1.0)
    words = ("architecture.hidden=[]", "backend=[function,torch]", f"backend.function.path={file}:backprop")
    folder = same(tmp_path, *SMALL, *words)
    assert json.loads((folder / "verdict.json").read_text())["verdict"] == "mismatch"


def test_a_module_of_ones_own_goes_on(tmp_path: Path) -> None:
    words = ("backend=[scratch,torch_module]", f"backend.torch_module.path={own(tmp_path, 9)}:make_model")
    same(tmp_path, *SMALL, "architecture.hidden=[]", *words)


def test_a_module_with_buffers_that_no_checkpoint_would_have_is_refused(tmp_path: Path) -> None:
    words = ("backend=[torch_module,torch_module]", f"backend.torch_module.path={own(tmp_path, 9)}:make_counting_model")
    with pytest.raises(
        ConfigError, match=r"checkpoint.every: got 5 with backend.torch_module, whose module has buffers"
    ):
        make_setup(*SMALL, "backend=[torch_module]", words[1], EVERY)


def test_the_row_groups_of_a_table_do_not_tell_where_checkpoints_fell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.records.tables.ROWS_AT_ONCE", 10)
    same(tmp_path, *SMALL, "optimizer=adam", "lockstep=false", ends=(6, 7, 11))


def test_checkpoints_change_nothing_in_the_files_of_a_run(tmp_path: Path) -> None:
    run(tmp_path / "without", *CASES["all that is carried"])
    run(tmp_path / "with", *CASES["all that is carried"], EVERY)
    found = hashes(tmp_path / "with")
    assert found.pop("checkpoint.safetensors")
    assert found == hashes(tmp_path / "without")


def test_a_run_of_which_all_steps_are_done_is_brought_to_its_end(tmp_path: Path) -> None:
    run(tmp_path / "through", *SMALL, "checkpoint.every=4")
    parts = run(tmp_path / "broken", *SMALL, "checkpoint.every=4", ends=(11,))
    assert parts == [list(range(11)), list(range(8, 12))]
    assert hashes(tmp_path / "broken") == hashes(tmp_path / "through")
    assert len(next(iter(load_file(tmp_path / "broken" / "gradients.safetensors").values()))) == 12
