"""A backend with a wrong gradient: exit code 1, and where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from .conftest import SharedRuns
from .own import SEVEN, furnish_own
from .process import Finished, environment, run
from .recompute import descended, end
from .stores import client, deviations, gradients, history, only_run, read_json

STEP, TENSOR = 5, "hidden_layer_1.weight"


@pytest.fixture
def wrong(shared: SharedRuns, common: Path) -> Finished:
    env = environment(common / "wrong")
    return shared.get("wrong", *SEVEN, "backend=[wrong,torch]", prepare=furnish_own, env=env)


def test_it_ends_with_1_and_nothing_on_stderr(wrong: Finished) -> None:
    assert (wrong.code, wrong.err) == (1, "")


def test_the_sentence_names_step_tensor_element_and_both_values(wrong: Finished) -> None:
    pattern = (
        r"^mismatch: the formula is wrong; first at step (\d+) in ([\w.]+)\[(\d+), (\d+)\]: "
        r"wrong has (\S+), torch has (\S+), \S+ roundings apart\.$"
    )
    found = re.search(pattern, wrong.out, re.MULTILINE)
    assert found, wrong.out
    assert (int(found[1]), found[2]) == (STEP, TENSOR)
    ours, torchs = float(found[5]), float(found[6])
    assert ours == pytest.approx(2 * torchs, rel=1e-6)
    kept, at = gradients(wrong.run_folder), (STEP, int(found[3]), int(found[4]))
    assert ours == pytest.approx(float(kept[f"wrong/{TENSOR}"][at]), rel=1e-4)
    assert torchs == pytest.approx(float(kept[f"torch/{TENSOR}"][at]), rel=1e-4)


def test_the_row_of_the_wrong_tensor_alone_is_not_ok(wrong: Finished) -> None:
    lines = wrong.out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("not ok")] == [TENSOR]
    assert sum(line.endswith("  ok") for line in lines) == 7


def test_mlflow_keeps_a_finished_run_that_is_tagged_with_the_place(wrong: Finished) -> None:
    record = only_run(client(wrong.folder))
    assert record.info.status == "FINISHED"
    assert record.data.tags["verdict"] == "mismatch"
    assert record.data.tags["verdict.first_step"] == str(STEP)
    assert record.data.tags["verdict.first_tensor"] == TENSOR
    assert record.data.metrics["verdict/agree"] == 0
    assert record.data.metrics["verdict/logic_roundings"] > 1000


def test_file_and_table_say_the_same(wrong: Finished) -> None:
    document, table = read_json(wrong.run_folder / "verdict.json"), deviations(wrong.run_folder)
    assert document["verdict"] == "mismatch"
    assert (document["first"]["step"], document["first"]["tensor"]) == (STEP, TENSOR)
    assert (document["first"]["backend"], document["first"]["reference"]) == ("wrong", "torch")
    assert [row["tensor"] for row in document["tensors"] if not row["ok"]] == [TENSOR]
    assert list(table.groupby("step")["verdict"].first()) == ["agree"] * 5 + ["mismatch", "agree"]


def test_the_status_left_in_the_folder_is_1(wrong: Finished) -> None:
    status = read_json(wrong.run_folder / "status.json")
    assert (status["status"], status["verdict"]) == (1, "mismatch")


def test_in_lockstep_all_go_on_from_the_state_of_the_last_backend(wrong: Finished) -> None:
    last = end(wrong.run_folder, "last")
    for name, expected in descended(wrong.run_folder, 0.05, "torch").items():
        np.testing.assert_allclose(last[name], expected, rtol=0, atol=1e-5)
    reader = client(wrong.folder)
    assert history(reader, only_run(reader), "deviation/max_abs/loss")[STEP + 1] < 1e-6


def test_without_lockstep_each_goes_on_from_its_own_state(place: Path) -> None:
    furnish_own(place)
    args = (*SEVEN, "backend=[wrong,torch]", "backend.wrong.factor=1000", "lockstep=false")
    finished = run(place, *args, env=environment(place))
    assert (finished.code, finished.err) == (0, "")
    reader = client(place)
    drift = history(reader, only_run(reader), "deviation/max_abs/loss")
    assert drift[STEP] < 1e-6
    assert drift[STEP + 1] > 1e-3
