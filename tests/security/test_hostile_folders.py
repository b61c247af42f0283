"""A run folder that somebody else made leads nowhere else, and takes no more memory or time than its size."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
import yaml

from runner.commands import run_command

from .conftest import has_run, write_payload

COMMANDS = (["replay", "run"], ["report", "run"], ["export", "run", "all.npz"], ["compare", "run", "run"])
LINKS = (
    *("config.yaml", "verdict.json", "deviations.parquet", "gradients.safetensors", "report.html", "report.html.part"),
    *("plots", "plots/loss.png", "plots/added.png", "files", "status.json", "error.log", "error.log.part"),
)


def refused(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """The one line by which a command refuses."""
    assert run_command(command) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_a_run_folder_is_neither_read_nor_written(
    hostile: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    outside = hostile.parent / "outside"
    outside.write_text("precious")
    link = hostile / name
    link.parent.mkdir(exist_ok=True)
    if link.is_dir():
        link.rename(hostile.parent / "moved")
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    for command in COMMANDS:
        expected = f"runner: RUN: got run, in which {name} is a symbolic link; allowed: a folder of files and folders\n"
        assert refused(capsys, command) == expected
    assert outside.read_text() == "precious"


def test_a_folder_of_links_is_not_walked(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hostile / "files").mkdir()
    (hostile / "files" / "root").symlink_to("/")
    assert "in which files/root is a symbolic link" in refused(capsys, ["report", "run"])


@pytest.mark.parametrize("name", ["config.yaml", "plots/loss.png"])
def test_a_pipe_is_not_waited_for(hostile: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (hostile / name).unlink()
    os.mkfifo(hostile / name)
    assert f"in which {name} is no regular file" in refused(capsys, ["report", "run"])


def test_a_persons_own_files_may_be_links(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hostile / "latest").symlink_to("/")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind("run/own")
        assert run_command(["export", "run", "all.npz"]) == 0


TEXTS = {
    "python's tags": ("!!python/object/apply:os.system ['touch ran']", "could not determine a constructor"),
    "python's names": ("!!python/name:os.system", "could not determine a constructor"),
    "a new object": ("!!python/object/new:evil.Payload []", "could not determine a constructor"),
    "an alias": ("a: &a [1]\nb: *a", "an alias, which no record has"),
    "a bomb": (
        "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30))]),
        "an alias, which no record has",
    ),
    "a merge of a bomb": ("a: &a {x: 1}\nb: {<<: [*a, *a]}", "an alias, which no record has"),
    "a well": ("[" * 2000, ""),
    "a cycle": ("&a [*a]", "an alias, which no record has"),
    "no text": ("\x00", "special characters are not allowed"),
}


@pytest.mark.parametrize("file", ["config.yaml", "overrides.yaml"])
@pytest.mark.parametrize("name", TEXTS)
def test_yaml_makes_nothing_but_plain_values(
    hostile: Path, capsys: pytest.CaptureFixture[str], name: str, file: str
) -> None:
    text, told = TEXTS[name]
    (hostile / file).write_text(text)
    for command in COMMANDS[:2]:
        err = refused(capsys, command)
        assert err.startswith(f"runner: RUN: got run ({file}: ")
        assert told in err
    assert not has_run(hostile.parent)


@pytest.mark.parametrize("text", ["[1, 2]", "2026-01-01", "!!set {a}", "!!binary aGVsbG8="])
def test_values_of_other_kinds_are_refused(hostile: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    with (hostile / "config.yaml").open("a") as config:
        config.write(f"more: {text}\n")
    assert refused(capsys, ["replay", "run"]).startswith("runner: more: got ")


def with_backend(folder: Path, name: object, node: dict[str, object] | None = None) -> None:
    """Records that the run had a backend of that name."""
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["backend"] = {name: node or config["backend"]["scratch"], "torch": config["backend"]["torch"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.mark.parametrize("name", ["../escaped", "/escaped", ".", "..", "", "a/b", "a\nb", "a\0b", "x" * 101])
def test_a_backend_of_a_record_is_no_path(hostile: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with_backend(hostile, name)
    err = refused(capsys, ["replay", "run"])
    assert err.startswith("runner: backend.")
    assert ("allowed: at most 100" if len(name) > 100 else "allowed: a name of letters, digits, _, . and -") in err
    assert err.isascii()
    assert err.rstrip("\n").isprintable()


def test_a_kept_file_is_copied_nowhere_else(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(hostile.parent))
    node: dict[str, object] = {"_target_": "runner.backends.function.Function", "path": "gone.py:run"}
    with_backend(hostile, "../escaped", {**node, "layout": "torch", "names": None, "dtype": None})
    environment = json.loads((hostile / "environment.json").read_text(encoding="utf-8"))
    (hostile / "environment.json").write_text(json.dumps({**environment, "files": {"gone.py": "0"}}), encoding="utf-8")
    (hostile / "files").mkdir()
    write_payload(hostile / "escaped" / "gone.py")
    assert refused(capsys, ["replay", "run", "--trust"]).startswith("runner: backend.../escaped: got '../escaped'; ")
    assert not (hostile.parent / "escaped").exists()
    assert not has_run(hostile.parent)


def test_a_backends_name_is_text(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_backend(hostile, 1)
    assert refused(capsys, ["replay", "run"]) == "runner: backend: got 1; allowed: names that are texts\n"
