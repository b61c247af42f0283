"""`python -m runner report RUN`: plots and page made again, where the run lies or beside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from runner.commands import run_command

from .recorded import Store


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def copy(store: Store) -> Path:
    return Path(shutil.copytree(store["plain"].folder, "copy", ignore=shutil.ignore_patterns("plots", "*.html")))


def test_the_files_are_made_in_the_run_folder_and_printed(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["report", "copy"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    made = [*sorted(copy.glob("plots/*")), copy / "report.html"]
    assert sorted(out.splitlines()) == sorted(map(str, made))
    assert copy / "plots" / "loss.png" in made
    assert copy / "plots" / "function.png" in made


def test_vector_files_are_drawn_where_the_run_asked_for_them(copy: Path) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["record"]["svg"] = True
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    assert run_command(["report", "copy"]) == 0
    stems = [{file.stem for file in copy.glob(f"plots/*.{kind}")} for kind in ("png", "svg")]
    assert stems[0] == stems[1] != set()


def test_of_a_run_whose_folder_is_gone_they_lie_beside(
    store: Store, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = store["gone"]
    assert run_command(["report", run.run_id, store.word]) == 0
    folder = Path(f"report-{run.run_id[:8]}")
    made = sorted(path for path in folder.rglob("*") if path.is_file())
    assert sorted(capsys.readouterr().out.splitlines()) == list(map(str, made))
    assert folder / "report.html" in made
    assert [path.name for path in place.iterdir()] == [folder.name]
    assert not Path(run.folder).exists()
    assert run_command(["report", run.run_id, store.word]) == 0


def test_without_its_network_the_rest_is_made(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["data"] = {"_target_": "gone.py:Data"}
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    assert run_command(["report", "copy", "--trust"]) == 0
    first, *files = capsys.readouterr().out.splitlines()
    assert first.startswith("the network is left out, its configuration cannot be assembled: data._target_: ")
    assert str(copy / "report.html") in files
    assert not (copy / "plots" / "function.png").exists()


@pytest.mark.parametrize("name", ["wrong", "diverged", "bare", "free", "narrow"])
def test_every_sort_of_run_has_a_page(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    copy = Path(shutil.copytree(store[name].folder, "copy")).absolute()
    monkeypatch.chdir(store.place)
    assert run_command(["report", str(copy)]) == 0
    verdict = json.loads((copy / "verdict.json").read_text())["verdict"]
    assert verdict in (copy / "report.html").read_text(encoding="utf-8")
    assert "left out" not in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_no_bad_input(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "plots").write_text("no folder")
    assert run_command(["report", "copy"]) == 3
    err = capsys.readouterr().err
    assert (err.count("\n"), err.startswith("runner: copy/plots")) == (1, True)
