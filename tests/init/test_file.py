"""Parameters from a file: what is written comes back, and what is malformed is refused by its key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from runner.arrays import Array
from runner.assemble import Setup
from runner.errors import ConfigError
from runner.init.file import read_arrays
from tests.helpers import make_setup, same_bits

Arrays = dict[str, Array]


def write_json(path: Path, arrays: Arrays) -> None:
    path.write_text(json.dumps({name: value.tolist() for name, value in arrays.items()}), encoding="utf-8")


def write_npz(path: Path, arrays: Arrays) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def write_safetensors(path: Path, arrays: Arrays) -> None:
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, path)


def write_state_dict(path: Path, arrays: Arrays) -> None:
    torch.save({name: torch.tensor(value) for name, value in arrays.items()}, path)


WRITERS: dict[str, Callable[[Path, Arrays], None]] = {
    "json": write_json,
    "npz": write_npz,
    "safetensors": write_safetensors,
    "pt": write_state_dict,
    "pth": write_state_dict,
}
every_format = pytest.mark.parametrize("suffix", WRITERS)


def arrays_of(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(value.shape) for name, value in make_setup().initial.parameters.items()}


def from_file(path: Path, *overrides: str) -> Setup:
    return make_setup("init=file", f"init.path={path}", *overrides)


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as raised:
        from_file(path, *overrides)
    assert raised.value.key == "init.path"
    assert "\n" not in str(raised.value)
    return str(raised.value)


@every_format
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_written_comes_back_to_the_bit(suffix: str, dtype: str, tmp_path: Path) -> None:
    arrays, path = arrays_of(), tmp_path / f"parameters.{suffix}"
    WRITERS[suffix](path, arrays)
    found = from_file(path, f"dtype={dtype}").initial.parameters
    assert list(found) == list(make_setup().initial.parameters)
    assert all(same_bits(found[name], value.astype(dtype)) for name, value in arrays.items())


@every_format
def test_a_missing_array_is_named(suffix: str, tmp_path: Path) -> None:
    arrays, path = arrays_of(), tmp_path / f"parameters.{suffix}"
    del arrays["hidden_layer_1.bias"]
    WRITERS[suffix](path, arrays)
    assert "hidden_layer_1.bias" in refused(path)


@every_format
def test_an_array_too_many_is_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"parameters.{suffix}"
    WRITERS[suffix](path, arrays_of() | {"hidden_layer_3.bias": np.zeros(3)})
    assert "hidden_layer_3.bias" in refused(path)


@every_format
def test_a_wrong_shape_is_told_beside_the_right_one(suffix: str, tmp_path: Path) -> None:
    arrays, path = arrays_of(), tmp_path / f"parameters.{suffix}"
    arrays["input_layer.weight"] = arrays["input_layer.weight"].T
    WRITERS[suffix](path, arrays)
    message = refused(path)
    assert "(2, 10)" in message
    assert "(10, 2)" in message


@every_format
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_finite_number_is_refused(suffix: str, value: float, tmp_path: Path) -> None:
    arrays, path = arrays_of(), tmp_path / f"parameters.{suffix}"
    arrays["input_layer.bias"][3] = value
    WRITERS[suffix](path, arrays)
    assert "input_layer.bias" in refused(path)


@every_format
def test_a_file_that_is_not_there_a_folder_and_an_empty_file_are_refused(suffix: str, tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / f"none.{suffix}")
    folder = tmp_path / f"folder.{suffix}"
    folder.mkdir()
    refused(folder)
    empty = tmp_path / f"empty.{suffix}"
    empty.write_bytes(b"")
    refused(empty)


@every_format
@pytest.mark.parametrize("content", [b"\x00\xff not a file of numbers", b"PK\x03\x04 half a zip", b"\x93NUMPY\x01"])
def test_rubbish_is_refused(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"rubbish.{suffix}"
    path.write_bytes(content)
    refused(path)


@every_format
def test_a_file_that_was_cut_short_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"parameters.{suffix}"
    WRITERS[suffix](path, arrays_of())
    whole = path.read_bytes()
    for part in (0.05, 0.5, 0.95):
        path.write_bytes(whole[: int(part * len(whole))])
        refused(path)


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        "3",
        "null",
        "{",
        '{"input_layer.weight": "many"}',
        '{"input_layer.bias": [[1], [2, 3]]}',
        '{"a": {"b": 1}}',
    ],
)
def test_json_that_is_no_mapping_of_names_to_numbers_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "parameters.json"
    path.write_text(text, encoding="utf-8")
    refused(path)


@pytest.mark.parametrize("value", [None, True, "0.5", ["1", "2"]])
def test_json_whose_numbers_are_no_numbers_is_refused(value: object, tmp_path: Path) -> None:
    arrays = {name: array.tolist() for name, array in arrays_of().items()}
    if isinstance(value, list):
        arrays["input_layer.bias"] = [str(v) for v in arrays["input_layer.bias"]]
    else:
        arrays["input_layer.bias"][0] = value
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(arrays), encoding="utf-8")
    refused(path)


def test_an_npz_that_needs_unpickling_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "parameters.npz"
    np.savez(path, **{"input_layer.bias": np.array([{"a": 1}], dtype=object)})  # type: ignore[arg-type]
    refused(path)


def test_numbers_beyond_the_runs_dtype_are_refused(tmp_path: Path) -> None:
    arrays, path = arrays_of(), tmp_path / "parameters.json"
    arrays["input_layer.bias"][0] = 1e300
    write_json(path, arrays)
    with pytest.raises(ConfigError, match="float32"):
        from_file(path, "dtype=float32")
    assert from_file(path, "dtype=float64").initial.parameters["input_layer.bias"][0] == 1e300


def test_another_kind_of_file_is_refused_with_the_kinds_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "parameters.onnx"
    path.write_bytes(b"")
    assert ".safetensors, .pt, .pth" in refused(path)


def test_json_of_numbers_beyond_any_float_or_of_endless_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "parameters.json"
    for text in ('{"input_layer.bias": [1' + "0" * 400 + "]}", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"):
        path.write_text(text, encoding="utf-8")
        refused(path)


@pytest.mark.parametrize("value", [0, 255])
def test_a_damaged_byte_anywhere_in_a_compressed_npz_is_refused_or_does_not_matter(value: int, tmp_path: Path) -> None:
    path = tmp_path / "parameters.npz"
    np.savez_compressed(path, allow_pickle=False, **arrays_of())
    whole = path.read_bytes()
    for at in range(0, len(whole), 17):
        path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
        with contextlib.suppress(ConfigError):  # some bytes, as those of a date, mean nothing
            read_arrays("path", path)


@every_format
def test_of_the_file_of_a_run_the_last_parameters_are_taken(suffix: str, tmp_path: Path) -> None:
    first, last = arrays_of(1), arrays_of(2)
    path = tmp_path / f"kept.{suffix}"
    kept = {f"first/{name}": value for name, value in first.items()} | {
        f"last/{name}": value for name, value in last.items()
    }
    WRITERS[suffix](path, kept)
    for name, value in from_file(path, "dtype=float64").initial.parameters.items():
        assert same_bits(value, last[name])
    WRITERS[suffix](path, kept | {"another": np.zeros(2)})
    assert "with an array another;" in refused(path)
