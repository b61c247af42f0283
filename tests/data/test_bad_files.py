"""Files that are not as they should be: one line that names the key and the place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runner.errors import RunError
from tests.data.formats import NAMED, WRITERS, stored
from tests.data.helpers import data, refusal, refused, written


@pytest.mark.parametrize("kind", WRITERS)
def test_no_file(kind: str, tmp_path: Path) -> None:
    written(tmp_path / "empty", "")
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        ("none", "No such file"),
        (".", "folder"),
        ("pipe", "pipe"),
        ("empty", "empty"),
        ("x" * 300, "too long"),
    ):
        key, line = refused(kind, str(tmp_path / path))
        assert key == "path"
        assert words in line


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a", "a\n1\n")
    Path(path).chmod(0)
    assert "Permission denied" in refused(kind, path)[1]


@pytest.mark.parametrize("kind", ["parquet", "npy", "npz"])
@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\x00" * 300, b"PK\x03\x04", b"PAR1PAR1", b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_format(kind: str, content: bytes, tmp_path: Path) -> None:
    assert refused(kind, written(tmp_path / "a", content))[0] == "path"


@pytest.mark.parametrize("kind", ["parquet", "npy", "npz"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_file_that_was_cut_short(kind: str, share: float, tmp_path: Path) -> None:
    path = Path(stored(kind, {"0": np.random.default_rng(1).normal(size=500)}, tmp_path))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert refused(kind, str(path))[0] == "path"


@pytest.mark.parametrize("kind", ["parquet", "npz"])
def test_a_file_with_flipped_bytes(kind: str, tmp_path: Path) -> None:
    path = Path(stored(kind, {"0": np.zeros(5000), "1": np.arange(5000) % 7}, tmp_path))
    content = bytearray(path.read_bytes())
    content[30:90] = b"\xff" * 60
    path.write_bytes(bytes(content))
    assert refused(kind, str(path))[0] == "path"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n1,2\n", ["first line is empty"]),
        ("a,b\n", ["no row"]),
        ("a,b", ["no row"]),
        ("a,b\n1,2\n\n3\n", ["line 4", "length 1"]),
        ("a,b\n1,2\n3,4,5\n", ["line 3", "length 3"]),
        ('a,b\n"1\n",2\n3,4,5\n', ["line 4", "length 3"]),
        ('a,b\n1,2\n"3,4\n5,6\n', ["length 1"]),
        ("a,b\n1,2\n\n3,x\n", ["line 4", "'b'", "'x'"]),
        ("a,b\n1,2\n1_0,1\n", ["line 3", "'a'", "'1_0'"]),
        ("a,b\n1,2\n1;0,1\n", ["line 3", "'a'", "'1;0'"]),
        ("a,b\n1,2\n3,-inf\n", ["line 3", "'b'", "-inf"]),
        ("a,b\n1,2\n3,1e999\n", ["line 3", "'b'", "inf"]),
        ("a,a\n1,2\n", ["two columns", "'a'"]),
        (",a\n1,2\n", ["column 1 has no name"]),
        (b"a,b\n1,2\n\n3,\xe9\n", ["line 4", "0xe9", "UTF-8"]),
        (b"a,\xe9\n1,2\n", ["line 1", "0xe9", "UTF-8"]),
        ("a,b\n1,2\n".encode("utf-16"), ["line 1", "UTF-8"]),
        (b"a,b\n1,\x002\n", ["line 2", "'b'"]),
        (bytes(range(256)), ["UTF-8"]),
        ("a,b\n1," + "x" * 5000 + "\n", ["line 2", "'b'", "..."]),
    ],
)
def test_a_text_file_at_fault(text: str | bytes, words: list[str], tmp_path: Path) -> None:
    key, line = refused("csv", written(tmp_path / "a.csv", text))
    assert key == "path"
    assert all(word in line for word in words), line
    assert len(line) < 250


def test_a_fault_far_down_is_found(tmp_path: Path) -> None:
    good = "1.25,2.5\n" * 600_000
    for bad, words in (("3\n", "a row of length 1"), ("x,1\n", "column 'a': 'x'"), ("1,inf\n", "column 'b': inf")):
        path = written(tmp_path / "a.csv", f"a,b\n{good}{bad}{good[:900]}")
        assert f"line 600002, {words}" in refused("csv", path)[1]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_cell_without_a_value_or_that_is_infinite(kind: str, tmp_path: Path) -> None:
    place = "line 4" if kind == "csv" else "row 3"
    path = stored(kind, {"0": [1.0, 2.0, np.nan], "1": [1.0, 2.0, 3.0]}, tmp_path)
    key, line = refused(kind, path)
    assert key == "missing"
    assert f"{place}, column '0'" in line
    for missing in ("refuse", "mean"):
        key, line = refused(kind, path, ("0",), missing=missing)
        assert key == "missing"
        assert f"{place}, column '0'" in line
    path = stored(kind, {"0": [1.0, 2.0, 3.0], "1": [1.0, 2.0, -np.inf]}, tmp_path)
    for columns in ((), ("1",)):
        for missing in ("refuse", "drop", "mean"):
            key, line = refused(kind, path, columns, missing=missing)
            assert key == "path"
            assert f"{place}, column '1': -inf" in line


@pytest.mark.parametrize("kind", NAMED)
def test_text_where_numbers_belong(kind: str, tmp_path: Path) -> None:
    key, line = refused(kind, stored(kind, {"a": [1.0, 2.0], "b": ["u", "v"]}, tmp_path))
    assert key == "path"
    assert f"{'line 2' if kind == 'csv' else 'row 1'}, column 'b': 'u'" in line


@pytest.mark.parametrize("kind", NAMED)
def test_columns_that_are_not_there(kind: str, tmp_path: Path) -> None:
    path = stored(kind, {"age": [1.0, 2.0], "height": [3.0, 4.0]}, tmp_path)
    for key, line in (refused(kind, path, ("heigth",)), refused(kind, path, features=["age", "heigth"])):
        assert key in ("", "features")
        assert "age, height (did you mean height?)" in line
    assert refused(kind, path, ("age",), features=["age"])[0] == "features"
    assert refused(kind, path, ("age", "height"))[0] == "path"


def test_of_many_columns_those_are_listed_that_are_near(tmp_path: Path) -> None:
    path = stored("csv", {f"sensor_{i:03}": [1.0] for i in range(200)}, tmp_path)
    line = refused("csv", path, ("sensr_017",))[1]
    assert "sensor_017" in line
    assert len(line) < 250
    assert "200 columns" in refused("csv", path, ("qqqq",))[1]


@pytest.mark.parametrize("kind", WRITERS)
def test_too_few_rows(kind: str, tmp_path: Path) -> None:
    path = stored(kind, {"0": [1.0], "1": [2.0]}, tmp_path)
    assert refused(kind, path, held_out=0.5)[0] == "held_out"
    none = stored(kind, {"0": np.zeros(0), "1": np.zeros(0)}, tmp_path)
    assert "no row" in refused(kind, none)[1]
    gaps = stored(kind, {"0": [np.nan, 1.0], "1": [1.0, np.nan]}, tmp_path)
    assert "no row without an empty cell" in refused(kind, gaps, missing="drop")[1]
    empty = stored(kind, {"0": [np.nan, np.nan], "1": [1.0, 2.0]}, tmp_path)
    key, line = refused(kind, empty, missing="mean")
    assert key == "missing"
    assert "'0'" in line


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"a": [1], "b": pd.to_datetime(["2020-01-01"])}, "'b' holds timestamp"),
        ({"a": [1], "b": [[1, 2]]}, "'b' holds list"),
        ({"a": [1], "b": [{"u": 2}]}, "'b' holds struct"),
        ({"a": [1], "b": [b"x"]}, "'b' holds binary"),
        ({}, "no column"),
    ],
)
def test_parquet_columns_that_are_no_numbers(frame: dict[str, Any], words: str, tmp_path: Path) -> None:
    pd.DataFrame(frame).to_parquet(tmp_path / "a.parquet")
    key, line = refused("parquet", str(tmp_path / "a.parquet"))
    assert key == "path"
    assert words in line


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"missing": "skip"}, "missing"),
        ({"features": []}, "features"),
        ({"features": ["a", "a"]}, "features"),
        ({"held_out": 1.0}, "held_out"),
    ],
)
@pytest.mark.parametrize("kind", WRITERS)
def test_values_that_make_no_sense_are_refused_by_their_key(kind: str, changed: dict[str, Any], key: str) -> None:
    assert refusal(lambda: data(kind, path="a", **changed)).key == f"data.{key}"


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_told_and_is_no_fault_of_the_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(kind, {"0": np.arange(1000.0), "1": np.arange(1000.0)}, tmp_path)
    full: Callable[..., Any] = lambda **_: Path("/dev/full").open("wb", buffering=0)  # noqa: E731, SIM115
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    monkeypatch.setattr("runner.data.store.IN_MEMORY", 100)
    with pytest.raises(RunError, match="No space left"):
        data(kind, path=path).load(1, ())
