"""Disks that are full or must not be written: exit code 3, one line, earlier results whole, no half of a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.commands import run_command
from tests.cli.process import run, tree
from tests.cli.stores import check_files, client, read_json, runs


@contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """A small file system below ``place``; the test is skipped where none can be mounted."""
    volume = place / "volume"
    volume.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(volume)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield volume
    finally:
        subprocess.run(["umount", "-l", str(volume)], check=True)


@pytest.mark.parametrize(("kilobytes", "plots"), [(16, False), (128, False), (300, False), (460, True), (700, True)])
def test_a_disk_that_is_full_ends_the_run_and_harms_no_other(kilobytes: int, plots: bool, place: Path) -> None:
    """So small a disk fills up at the first files, at the room for the gradients, at the tables, at the plots."""
    words = ("data.samples=200", f"record.plots={str(plots).lower()}")
    assert run(place, "data.samples=3", "record.plots=false", "hydra.run.dir=earlier").code == 0
    earlier = tree(place / "earlier")
    with mounted(place, f"size={kilobytes}k") as volume:
        finished = run(place, *words, "hydra.run.dir=volume/run")
        assert finished.code == 3
        assert finished.err.startswith("runner: volume/run/")
        assert "No space left on device" in finished.err
        assert finished.err.count("\n") == 1
        check_files(volume)
    assert [record.info.status for record in runs(client(place))] == ["FINISHED", "FAILED"]
    assert tree(place / "earlier") == earlier


def test_a_store_on_a_full_disk_is_told_later(place: Path, migrated: Path) -> None:
    """The store has a disk of its own here, and the run folder another: its records are whole."""
    with mounted(place, "size=1200k") as volume:
        shutil.copy(migrated, volume / "full.db")
        uri = f"tracking.uri=sqlite:///{volume / 'full.db'}"
        finished = run(place, "data.samples=300", "record.plots=false", uri)
        folder = finished.run_folder.relative_to(place)
        assert finished.code == 3
        told = f"; the records in {folder} are whole; to bring them in: python -m runner sync {folder}\n"
        assert finished.err == f"runner: MLflow at {uri.partition('=')[2]}: database or disk is full{told}"
        check_files(finished.run_folder)
        assert read_json(finished.run_folder / "verdict.json")["verdict"] == "agree"
        subprocess.run(["mount", "-o", "remount,size=100m", str(volume)], check=True)
        assert run(place, "sync", str(folder)).code == 0
        (made,) = runs(client(volume, "full.db"))
        assert made.info.status == "FINISHED"
        losses = client(volume, "full.db").get_metric_history(made.info.run_id, "loss/torch")
        assert sorted(metric.step for metric in losses) == list(range(300))


def test_a_folder_that_must_not_be_written_is_told_in_one_line(place: Path) -> None:
    """Root may write whatever its mode says; nobody writes into a file system that is mounted to be read."""
    with mounted(place, "size=1m,ro"):
        finished = run(place, "data.samples=3", "hydra.run.dir=volume/run")
    assert finished.code == 3
    assert finished.err.startswith("runner: hydra.run.dir: got ")
    assert "volume/run (Read-only file system)" in finished.err
    assert finished.err.count("\n") == 1
    assert runs(client(place)) == []


@pytest.mark.parametrize(("options", "told"), [("ro", "Read-only file system"), ("size=8k", "No space left on device")])
def test_an_export_that_the_disk_refuses_is_told_in_one_line(
    options: str, told: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(place, "data.samples=50", "record.plots=false", "hydra.run.dir=whole").code == 0
    monkeypatch.chdir(place)
    with mounted(place, options) as volume:
        for ending in ("csv", "parquet", "npz", "safetensors"):
            assert run_command(["export", "whole", f"volume/x.{ending}"]) == 3
            err = capsys.readouterr().err
            assert err.startswith("runner: volume/x"), ending
            assert err.endswith(f": {told}\n"), ending
            assert err.count("\n") == 1, ending
            assert not list(volume.iterdir()), ending
