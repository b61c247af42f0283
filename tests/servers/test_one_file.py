"""Many processes that record at once into one sqlite file, which none of them finds there."""

from __future__ import annotations

from pathlib import Path

from tests.cli.process import environment, run

from .recording import check, record, sqlite_rows


def test_processes_that_begin_with_no_file_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    store = tmp_path / "common" / "mlflow.db"
    words = ("data.samples=3", "record.plots=false", f"tracking.uri=sqlite:///{store}")
    record(tmp_path / "places", 8, 2, words, environment(), run)
    found = check(tmp_path / "places", 8, 2, sqlite_rows(store), store.parent / "mlartifacts", "runner")
    assert found.runs == 16
