"""Files that would run code where they are read carelessly, or promise more than they hold: one line, nothing run."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from runner.commands import run_command
from runner.errors import ConfigError
from runner.init.file import read_arrays
from runner.records.mapped import mapped
from tests.data.helpers import refused

from .conftest import has_run


class Payload:
    """What makes a file ``ran`` when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("ran",)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def npy(path: Path) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.array([[Payload()]], object), allow_pickle=True)


def npz(path: Path) -> None:
    npy(path.with_suffix(".member"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".member"), "x.npy")


def bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"input_layer.weight": Payload()}))


def zipped_torch(path: Path) -> None:
    torch.save({"input_layer.weight": Payload()}, path)


def legacy_torch(path: Path) -> None:
    torch.save({"input_layer.weight": Payload()}, path, _use_new_zipfile_serialization=False)


def whole_module(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 1), path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.npz": npz,
    "b.npz": bare_pickle,
    "c.pt": zipped_torch,
    "d.pt": legacy_torch,
    "e.pth": bare_pickle,
    "f.pt": whole_module,
    "g.pkl": bare_pickle,
    "h.safetensors": bare_pickle,
    "i.json": bare_pickle,
}


@pytest.mark.parametrize("name", WRITERS)
def test_first_parameters_run_nothing(place: Path, name: str) -> None:
    WRITERS[name](place / name)
    with pytest.raises(ConfigError, match=name) as raised:
        read_arrays("init.path", place / name)
    assert "\n" not in str(raised.value)
    assert not has_run(place)


@pytest.mark.parametrize(("kind", "write"), [("npy", npy), ("npy", bare_pickle), ("npz", npz), ("npz", bare_pickle)])
def test_data_runs_nothing(place: Path, kind: str, write: Callable[[Path], None]) -> None:
    write(place / f"a.{kind}")
    assert refused(kind, f"a.{kind}")[0] == "path"
    assert not has_run(place)


def test_the_payload_runs_where_nothing_is_in_its_way(place: Path) -> None:
    npy(place / "a.npy")
    np.load(place / "a.npy", allow_pickle=True)
    assert has_run(place)


def parquet(path: Path) -> None:
    """A column of the type that pyarrow once unpickled when it read a file."""
    metadata = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Payload())}
    field = pa.field("x0", pa.float64(), metadata=metadata)
    told = {"pandas": json.dumps({"index_columns": [], "columns": [], "creator": {"library": "evil.Payload"}})}
    pq.write_table(pa.table([[1.0, 2.0]], pa.schema([field], told)), path)


def test_a_type_of_parquet_runs_nothing(place: Path) -> None:
    from tests.data.helpers import drawn

    parquet(place / "a.parquet")
    assert drawn("parquet", 1, path="a.parquet", standardise=False).x.tolist() == [[1.0], [2.0]]
    assert not has_run(place)


def test_a_type_of_parquet_in_a_record_runs_nothing(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parquet(hostile / "deviations.parquet")
    assert run_command(["report", "run"]) == 2
    assert "deviations.parquet: " in capsys.readouterr().err
    assert not has_run(hostile.parent)


def of(offsets: list[int], shape: list[int], dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


LONG = 2**62
HEADERS: dict[str, Mapping[str, object]] = {
    "beyond the end": {"a": of([0, 800], [200])},
    "of another length": {"a": of([0, 8], [3])},
    "backwards": {"a": of([8, 0], [2])},
    "negative": {"a": of([-8, 0], [2])},
    "a huge shape": {"a": of([0, 8], [LONG, LONG])},
    "a product that overflows": {"a": of([0, 8], [LONG, 4, 2])},
    "a negative shape": {"a": of([0, 8], [-1, -2])},
    "an unknown type": {"a": of([0, 8], [2], "OBJ")},
    "no type": {"a": {"shape": [2], "data_offsets": [0, 8]}},
}


def safetensors(path: Path, header: Mapping[str, object], length: int | None = None) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + bytes(16))


@pytest.mark.parametrize("name", HEADERS)
def test_a_false_header_is_refused(place: Path, name: str) -> None:
    safetensors(place / "a.safetensors", HEADERS[name])
    with pytest.raises(ConfigError):
        read_arrays("init.path", place / "a.safetensors")
    with pytest.raises(ValueError, match=r"."):
        mapped(place / "a.safetensors")


@pytest.mark.parametrize("length", [2**63, 2**40, 3])
def test_a_false_length_of_the_header_is_refused(place: Path, length: int) -> None:
    safetensors(place / "a.safetensors", HEADERS["backwards"], length)
    with pytest.raises(ConfigError):
        read_arrays("init.path", place / "a.safetensors")
    with pytest.raises(ValueError, match=r"."):
        mapped(place / "a.safetensors")


def test_tensors_that_overlap_are_no_more_than_views(place: Path) -> None:
    safetensors(place / "a.safetensors", {"a": of([0, 8], [2]), "b": of([4, 12], [2])})
    with pytest.raises(ConfigError):
        read_arrays("init.path", place / "a.safetensors")
    assert not any(array.flags.writeable for array in mapped(place / "a.safetensors").values())
