"""What docs/sweeps.md says is done: its commands typed, its output seen, its columns and files found."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.docs.typed import typed
from tests.sharing import furnish

PAGE = Path(__file__).parents[2] / "docs" / "sweeps.md"
BLOCK = re.compile(r"```console\n(?P<text>.*?)```(?P<after>(?:\n+(?:    [^\n]+\n)+)?)", re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A folder in which all commands of the page have been typed."""
    folder = tmp_path_factory.mktemp("sweeps")
    furnish(folder, migrated)
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        done = typed(folder, block["text"], "-ec")
        assert done.code == 0, done.out + done.err
        for line in block["after"].strip().splitlines():
            assert line.strip() in done.out, done.out
    return folder


def test_the_files_of_the_page_are_there(place: Path) -> None:
    for name in ("sweep.parquet", "sweep.csv", "summary.csv", "sweep.png", "sweep.json", "0"):
        assert (place / "rates" / name).exists(), name
    assert not (place / "grid" / "summary.csv").exists()


def test_the_columns_are_those_of_the_page(place: Path) -> None:
    table = pd.read_parquet(place / "rates" / "sweep.parquet")
    measures = ["step", "tensor", "backend", "max_abs", "roundings", "logic_roundings", "loss"]
    assert list(table.columns) == ["job", "lr", "seed", "data.samples", *measures, "error/scratch", "error/torch"]
    grid = pd.read_parquet(place / "grid" / "sweep.parquet")
    assert set(grid["architecture.hidden"]) == {"[4]", "[8,8]"}
