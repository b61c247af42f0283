"""A run folder read back: what is not finite is read as it is, what is not whole is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.errors import ConfigError
from runner.records.gradients import copy_parameters
from runner.records.reading import read_run
from tests.records.folders import write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "run", "data.samples=3")
    return tmp_path / "run"


def test_parameters_that_are_not_finite_are_read(folder: Path) -> None:
    values = {"w": np.array([1.0, np.inf, np.nan], np.float32)}
    copy_parameters(folder / "parameters.safetensors", values, values)
    np.testing.assert_array_equal(read_run(folder).parameters["last/w"], [1.0, np.inf, np.nan])


@pytest.mark.parametrize("name", ["gradients.safetensors", "roundings.safetensors", "parameters.safetensors"])
def test_an_array_file_that_is_cut_short_is_told(name: str, folder: Path) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    run = read_run(folder)
    with pytest.raises(ConfigError, match=f"{name}.*cut short"):
        getattr(run, name.partition(".")[0])


def test_a_record_of_another_version_and_a_folder_that_is_no_run_are_told(folder: Path) -> None:
    document = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    (folder / "verdict.json").write_text(json.dumps(document | {"schema": 99}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a record of version 99; allowed: one of version 1"):
        read_run(folder)
    (folder / "verdict.json").unlink()
    with pytest.raises(ConfigError, match=r"has no verdict\.json"):
        read_run(folder)
    with pytest.raises(ConfigError, match=r"RUN: got .*nowhere"):
        read_run(folder / "nowhere")
