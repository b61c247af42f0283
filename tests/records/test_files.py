"""Files that are whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from runner.records.files import (
    part_of,
    publish,
    remove_begun,
    remove_parts,
    write_arrays,
    write_json,
    write_text,
    write_yaml,
)


def test_a_text_is_written_whole_its_folders_made_and_no_part_left(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    write_text(path, "übung\n")
    write_text(path, "again\n")
    assert path.read_text(encoding="utf-8") == "again\n"
    assert [file.name for file in path.parent.iterdir()] == ["c.txt"]


def test_what_stands_there_is_kept_until_the_new_text_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    write_text(path, "old")
    part_of(path).write_text("ne", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "old"
    publish(path)
    assert path.read_text(encoding="utf-8") == "ne"


def test_json_has_null_for_what_is_no_finite_number_at_any_depth(tmp_path: Path) -> None:
    value = {"a": [1.5, float("nan"), {"b": (float("inf"), -float("inf"), 3)}], "c": None, "d": "nan", "e": True}
    write_json(tmp_path / "v.json", value)
    found = json.loads((tmp_path / "v.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert found == {"a": [1.5, None, {"b": [None, None, 3]}], "c": None, "d": "nan", "e": True}


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}


def test_yaml_keeps_the_order_of_its_keys_and_what_they_hold(tmp_path: Path) -> None:
    value = {"z": [1, 2.5], "a": {"text": "schön", "none": None, "yes": "yes"}}
    write_yaml(tmp_path / "v.yaml", value)
    found = yaml.safe_load((tmp_path / "v.yaml").read_text(encoding="utf-8"))
    assert found == value
    assert list(found) == ["z", "a"]


def test_only_the_parts_of_the_named_files_are_removed(tmp_path: Path) -> None:
    for folder in ("a.parquet.parts", "b.parquet.parts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "000000.parquet").write_text("x", encoding="utf-8")
    for name in ("a.parquet.part", "b.parquet.part", "a.parquet", "a.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    remove_begun([tmp_path / "a.parquet", tmp_path / "never.json"])
    there = ["a.parquet", "a.parquet.parts", "a.txt", "b.parquet.part", "b.parquet.parts"]
    assert sorted(file.name for file in tmp_path.iterdir()) == there
    (tmp_path / "a.parquet.part").write_text("x", encoding="utf-8")
    remove_parts([tmp_path / "a.parquet", tmp_path / "never.json"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.parquet", *there[2:]]


def test_arrays_may_be_read_by_whoever_may_read_any_other_file(tmp_path: Path) -> None:
    write_arrays(tmp_path / "w.safetensors", {"w": np.eye(2).T[::-1]})
    write_text(tmp_path / "w.txt", "w")
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "w.txt").stat().st_mode
    np.testing.assert_array_equal(load_file(tmp_path / "w.safetensors")["w"], [[0, 1], [1, 0]])
