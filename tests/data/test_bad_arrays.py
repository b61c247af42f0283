"""NumPy files whose arrays are not as they should be: one line that names the key and what is wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.helpers import refused, written

ARRAYS: list[tuple[Any, str]] = [
    (np.arange(3.0), "shape (3,)"),
    (np.zeros((2, 2, 2)), "shape (2, 2, 2)"),
    (np.float64(1), "shape ()"),
    (np.zeros((2, 0)), "shape (2, 0)"),
    (np.array([[1, None]], object), "object"),
    (np.zeros((2, 2), complex), "complex128"),
    (np.zeros(2, [("a", float)]), "'a'"),
    (np.array([["a"]]), "<U1"),
    (np.array([["2020"]], "M8[Y]"), "datetime64"),
]


@pytest.mark.parametrize(("array", "words"), ARRAYS)
def test_arrays_of_another_kind(array: Any, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    key, line = refused("npy", str(tmp_path / "a.npy"))
    assert key == "path"
    assert words in line


@pytest.mark.parametrize("shape", ["(3000000000000, 2)", "(-3, 2)"])
def test_a_header_that_promises_too_much(shape: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    content = (tmp_path / "a.npy").read_bytes().replace(b"(3, 2), }", f"{shape}, }}".encode())
    assert refused("npy", written(tmp_path / "a.npy", content))[0] == "path"


X = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "no array"),
        ({"x": X, "y": np.array([0, 1])}, "y is int64 of shape (2,)"),
        ({"x": X, "y": np.array(["a", "b", "c"])}, "y is <U1"),
        ({"x": X, "z": np.zeros(2)}, "z has the shape (2,)"),
        ({"x": np.zeros((3, 0))}, "x is float64 of shape (3, 0)"),
        ({"x": np.float64(1)}, "x is float64 of shape ()"),
        ({"x": np.array([["a"]])}, "x is <U1"),
        ({"x": np.array([[None]], object)}, "object"),
        ({"a": np.zeros(3), "b": np.zeros(2)}, "b has the shape (2,)"),
        ({"a": X}, "a has the shape (3, 2)"),
        ({"x": X, "1": np.zeros(3)}, "two columns are called '1'"),
        ({"x": X, "y": np.array([0.0, np.inf, 1.0])}, "row 2, column 'y': inf"),
    ],
)
def test_arrays_that_do_not_fit_together(arrays: dict[str, Any], words: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    key, line = refused("npz", str(tmp_path / "a.npz"))
    assert key == "path"
    assert words in line


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    assert "notes.txt" in refused("npz", str(tmp_path / "a.npz"))[1]
