"""The benchmark on a GPU, as far as a machine without one goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.cuda import Limits, numbers_moved, operations, why_not
from benchmarks.document import document, found_tables
from benchmarks.nets import Net
from benchmarks.tables import TABLES
from runner.backends.torch_device import devices


def test_the_limit_counts_the_products_and_what_has_to_be_moved() -> None:
    """x (3, 2), W1 (4, 2), W2 (1, 4): three products of the second layer, two of the first, two operations each."""
    net = Net((2, 4, 1), batch=3, steps=1)
    assert operations(net) == 2 * (2 * 3 * 2 * 4 + 3 * 3 * 4 * 1)
    parameters, kept = 2 * 4 + 4 + 4 * 1 + 1, 3 * (4 + 1)
    assert numbers_moved(net) == 5 * parameters + 4 * 1 + 2 * 3 * 2 + 6 * kept
    assert Limits(operations(net) / 2.0, 1e9).seconds(net) == pytest.approx(2.0)
    assert Limits(1e9, 4 * numbers_moved(net) / 3.0).seconds(net, replicas=5) == pytest.approx(15.0)


@pytest.mark.skipif("cuda" in devices(), reason="this machine has a GPU")
def test_without_a_gpu_the_table_is_skipped_in_words() -> None:
    assert why_not() == f"no GPU that torch {torch.__version__} can compute on; it has {', '.join(devices())}"
    assert all(table.why_not() == "" for name, table in TABLES.items() if name != "cuda")


def test_the_document_says_that_a_table_was_skipped_unless_it_was_measured_elsewhere(tmp_path: Path) -> None:
    known = {"cpu": "a cpu", "blas": [], "packages": {"torch": "2"}}
    line = {"name": "a net", "ratios": {}, "figures": {"limit": 1e-6}}
    for name, measured in {"1": {"cuda": [line]}, "2": {}}.items():
        found = {"environment": known, "tables": measured, "skipped": {} if measured else {"cuda": "no GPU"}}
        (tmp_path / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    told = document(found_tables(tmp_path))
    assert "| a net | 1.0 |" in told
    assert "Skipped" not in told
    (tmp_path / "1.json").unlink()
    assert "Skipped on that machine: no GPU." in document(found_tables(tmp_path))
