"""A sweep whose jobs are trained as stacks leaves what it leaves when they run one after the other."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.stacked.helpers import CLOSE

from .conftest import SharedRuns
from .process import Finished, environment, python, tree
from .stores import (
    check_files,
    client,
    count_metrics,
    deviations,
    gradients,
    nested,
    parameters,
    parents,
    read_json,
    statuses,
)
from .test_ends import stopped
from .test_replicas import furnish_sometimes
from .test_sweep import folders
from .test_sweep_record import folder_of

STACKED = "hydra/launcher=stacked"
PLAIN = ("lr=0.01,0.05", "seed=1,2", "data.samples=20")
MIXED = (
    *("backend=[sometimes,torch]", "seed=1,2,3", "lr=0.05,-1,1e30", "data.samples=5"),
    *("data.held_out=0.4", "epochs=2", "optimizer.momentum=0.5", "architecture.activation=relu", "record.plots=false"),
)
SAME = ["step", "backend", "reference", "tensor", "verdict", "look", "logic_look"]
"""Columns that rounding does not change, but for looks near the limit, which none of these jobs comes to."""


def plain(shared: SharedRuns, launcher: tuple[str, ...]) -> Finished:
    name = "stacked_sweep" if launcher else "recorded_sweep"
    return shared.get(name, "-m", *launcher, *PLAIN)


def mixed(shared: SharedRuns, common: Path, launcher: tuple[str, ...]) -> Finished:
    name = "mixed_stacked" if launcher else "mixed"
    words = ("-m", "--config-dir", "own", *launcher, *MIXED)
    return shared.get(name, *words, prepare=furnish_sometimes, env=environment(common / name))


@pytest.fixture(params=["plain", "mixed"])
def both(request: pytest.FixtureRequest, shared: SharedRuns, common: Path) -> tuple[Finished, Finished]:
    """The sweep by the stacked launcher and by the basic one."""
    if request.param == "plain":
        return plain(shared, (STACKED,)), plain(shared, ())
    return mixed(shared, common, (STACKED,)), mixed(shared, common, ())


def test_jobs_that_can_be_stacked_run_at_once(shared: SharedRuns) -> None:
    found = nested(client(plain(shared, (STACKED,)).folder))
    assert len(found) == 4
    assert max(job.info.start_time for job in found) < min(job.info.end_time for job in found)


def test_exit_code_messages_and_statuses_are_the_same(both: tuple[Finished, Finished]) -> None:
    stacked, basic = both
    assert (stacked.code, sorted(stacked.err.splitlines())) == (basic.code, sorted(basic.err.splitlines()))
    mine, theirs = ([read_json(folder / "status.json") for folder in folders(finished)] for finished in both)
    assert len(mine) == len(theirs)
    for found, own in zip(mine, theirs, strict=True):
        assert found.keys() == own.keys()
        for key in {"status", "number", "overrides", "verdict", "message"} & own.keys():
            assert found[key] == own[key], key
    tables = [pd.read_csv(folder_of(finished) / "sweep.csv") for finished in both]
    assert list(tables[0].columns) == list(tables[1].columns)
    same = ["job", "lr", "seed", "overrides", "status", "verdict"]
    pd.testing.assert_frame_equal(tables[0][same], tables[1][same])


def test_of_a_group_some_agree_one_is_wrong_some_diverge_and_some_are_refused(shared: SharedRuns, common: Path) -> None:
    finished = mixed(shared, common, (STACKED,))
    table = pd.read_csv(folder_of(finished) / "sweep.csv")
    assert set(table["verdict"]) == {"agree", "mismatch", "diverged", "rejected"}
    assert finished.err.splitlines() == ["runner: lr: got -1.0; allowed: a finite number from 0"] * 3
    assert finished.code == 2


def test_every_job_leaves_the_files_and_the_rows_of_its_own_run(both: tuple[Finished, Finished]) -> None:
    for mine, theirs in zip(*map(folders, both), strict=True):
        assert set(tree(mine)) == set(tree(theirs))
        if read_json(theirs / "status.json")["status"] == 2:
            continue
        for name in ("config.yaml", "overrides.yaml"):
            assert (mine / name).read_bytes() == (theirs / name).read_bytes()
        found, own = deviations(mine), deviations(theirs)
        pd.testing.assert_frame_equal(found[SAME], own[SAME])
        assert (found.isna() == own.isna()).all(axis=None)
        for name in ("roundings", "logic_roundings"):
            judged = own[name].fillna(0) <= 30
            assert (found[name].fillna(0) <= 30).equals(judged)
        verdicts = [read_json(folder / "verdict.json") for folder in (mine, theirs)]
        assert verdicts[0].keys() == verdicts[1].keys()
        for key in ("verdict", "judged_steps", "second_looks", "third_looks"):
            assert verdicts[0][key] == verdicts[1][key], key


def test_gradients_and_parameters_are_those_of_its_own_run_but_for_rounding(shared: SharedRuns) -> None:
    for mine, theirs in zip(*map(folders, (plain(shared, (STACKED,)), plain(shared, ()))), strict=True):
        for read in (gradients, parameters):
            found, own = read(mine), read(theirs)
            assert found.keys() == own.keys()
            for name, value in own.items():
                np.testing.assert_allclose(found[name], value, rtol=CLOSE, atol=1e-6, err_msg=f"{mine.name} {name}")
                if name.startswith("first/"):
                    assert found[name].tobytes() == value.tobytes()


def test_mlflow_has_the_same_runs(both: tuple[Finished, Finished]) -> None:
    mine, theirs = (
        {job.data.tags["job_key"].partition(" ")[2]: job for job in nested(client(finished.folder))}
        for finished in both
    )
    assert mine.keys() == theirs.keys()
    (parent,) = parents(client(both[0].folder))
    for key, own in theirs.items():
        found = mine[key]
        assert found.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert (found.info.status, found.info.run_name) == (own.info.status, own.info.run_name)
        assert found.data.params == own.data.params
        assert found.data.tags.keys() == own.data.tags.keys()
        assert found.data.tags["verdict"] == own.data.tags["verdict"]
        assert found.data.metrics.keys() == own.data.metrics.keys()
        for name, value in own.data.metrics.items():
            if name.startswith(("loss/", "train/loss/", "held_out/loss/")):
                assert found.data.metrics[name] == pytest.approx(value, rel=1e-3), name


def test_a_stop_ends_all_jobs_that_had_begun_as_killed(place: Path) -> None:
    database = place / "outputs" / "mlflow.db"
    finished = stopped(place, lambda: count_metrics(database) > 0, signal.SIGTERM, "-m", STACKED, "lr=0.01,0.05")
    assert (finished.code, finished.err) == (3, "runner: interrupted; what was recorded is kept\n")
    assert statuses(database) == ["KILLED"] * 3
    assert [read_json(folder / "status.json")["status"] for folder in folders(finished)] == [3, 3]
    for folder in folders(finished):
        check_files(folder)
        assert 0 < deviations(folder)["step"].nunique() < 100_000


def test_hydra_loads_nothing_but_hydra_for_it(tmp_path: Path) -> None:
    code = (
        "import sys, hydra_plugins.runner_stacked.stacked_launcher; print({m.partition('.')[0] for m in sys.modules})"
    )
    loaded = python(tmp_path, code)
    assert "'hydra'" in loaded
    assert not [name for name in ("runner", "numpy", "torch", "mlflow", "rich") if f"'{name}'" in loaded]
