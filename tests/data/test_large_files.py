"""Files that do not fit: the same samples, from memory that stays bounded, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from runner.data import store
from runner.data.base import Samples
from tests.data.formats import WRITERS, stored
from tests.data.helpers import both, data, target
from tests.helpers import same_bits

ROOT = Path(__file__).parents[2]
FEW_THREADS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "2",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
}
"""Each thread has memory of its own, and other allocators reserve much more than they hand out."""
ROWS, FEATURES = 300_000, 64
LIMIT = 300
"""MiB that a process may take beyond what it has after its imports; the numbers alone are 150, and CSV 120."""


def small(kind: str, folder: Path) -> str:
    rng = np.random.default_rng(9)
    columns = {str(i): rng.normal(i, 2.0, 500) for i in range(4)}
    columns["1"][::9] = np.nan
    return stored(kind, columns, folder)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("held_out", [0.0, 0.3])
def test_samples_that_lie_in_a_file_are_those_that_lie_in_memory(
    kind: str, held_out: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = data(kind, path=small(kind, tmp_path), held_out=held_out, missing="mean")
    memory = source.load(1, ("3",))
    monkeypatch.setattr(store, "IN_MEMORY", 1000)
    file = source.load(1, ("3",))
    pairs: list[tuple[Samples, Samples]] = [(file.train, memory.train)]
    if held_out:
        pairs.append((both(file)[1], both(memory)[1]))
    for one, other in pairs:
        assert isinstance(one.x, np.memmap)
        assert not isinstance(other.x, np.memmap)
        assert same_bits(np.asarray(one.x), other.x)
        assert same_bits(np.asarray(one.columns["3"]), other.columns["3"])


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_text_and_classes_that_lie_in_a_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "IN_MEMORY", 1000)
    kinds = [f"kind {i % 7}" for i in range(900)]
    parts = data(kind, path=stored(kind, {"a": np.arange(900.0), "kind": kinds}, tmp_path), held_out=0.5).load(
        1, ("kind",)
    )
    y, other = target("column", name="kind", classes=True).make(parts, 1)
    assert other is not None
    assert isinstance(y, np.memmap)
    found = np.concatenate([y, other])
    texts = np.concatenate([part.columns["kind"] for part in both(parts)])
    assert texts.tolist() == [f"kind {i}" for i in found]
    assert sorted(texts.tolist()) == sorted(kinds)


@pytest.mark.parametrize("kind", WRITERS)
def test_temporary_files_have_no_name(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(store, "IN_MEMORY", 1000)
    parts = data(kind, path=small(kind, tmp_path), held_out=0.3, missing="mean").load(1, ())
    assert isinstance(parts.train.x, np.memmap)
    assert list(place.iterdir()) == []


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(10)
    x = rng.integers(-9999, 9999, (ROWS, FEATURES)) / 1000
    names = [f"c{i}" for i in range(FEATURES)]
    table = pa.table(dict(zip(names, x.T, strict=True)) | {"y": x[:, 0]})
    csv.write_csv(table, folder / "large.csv")
    parquet.write_table(table, folder / "large.parquet", use_dictionary=False)
    np.save(folder / "large.npy", x)
    np.savez(folder / "large.npz", x=x)
    yield folder
    shutil.rmtree(folder)


def load_limited(large: Path, kind: str, in_memory: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.data.load_limited", str(LIMIT), str(in_memory), kind]
    env = os.environ | FEW_THREADS
    whole = [*command, str(large / f"large.{kind}")]
    return subprocess.run(whole, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and read as Linux does it")
@pytest.mark.parametrize("kind", WRITERS)
def test_memory_stays_bounded(kind: str, large: Path) -> None:
    done = load_limited(large, kind, 2**24)
    assert done.returncode == 0, done.stderr
    features = FEATURES if kind in ("csv", "parquet") else FEATURES - 1
    assert done.stdout.split()[:5] == [str(ROWS * 3 // 4), str(features), str(ROWS // 4), *[str(ROWS * 3 // 4)] * 2]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and read as Linux does it")
def test_the_limit_would_be_hit_if_all_were_kept_in_memory(large: Path) -> None:
    done = load_limited(large, "npy", 2**40)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
